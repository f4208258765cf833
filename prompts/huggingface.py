"""SAM-like models of the `transformers` library as `Predictor`: SAM, SAM-HQ, SAM 2 and 2.1, EdgeTAM, SAM 3's tracker.

A model comes from a local folder, from the hub's cache on this machine or, only where that is allowed, from the hub.
Weights are read from safetensors alone, and no code of a repository is ever run. Of the video models the part that
segments one image is used; their memory is left out.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional

from prompts.errors import CheckpointError
from prompts.geometry import LongestSide, Square, points_to_arrays, validate_image, validate_prompt
from prompts.predictor import as_points, check_state, wants_candidates
from prompts.types import ImageState, MaskPrediction, Prompt
from prompts.weights import Precision, computes_bfloat16, fingerprint, refuse_not_finite

logger = logging.getLogger(__name__)

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_ADAPTER = re.compile(r"lora_|adapter|base_layer|modules_to_save", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Family:
    """How the models of one architecture are loaded and fed."""

    name: str
    model_class: str
    """Class in `transformers`."""
    frame: type[Square]
    normalisation: tuple[tuple[float, float, float], tuple[float, float, float]] = _IMAGENET
    """Mean and spread of pixels in [0, 1], where the folder's image processor says nothing."""


_SAM2 = Family(name="sam2", model_class="Sam2Model", frame=Square)
_EDGETAM = Family(name="edgetam", model_class="EdgeTamModel", frame=Square)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "sam": Family(name="sam", model_class="SamModel", frame=LongestSide),
        "sam_hq": Family(name="sam_hq", model_class="SamHQModel", frame=LongestSide),
        "sam2": _SAM2,
        "sam2_video": _SAM2,
        "edgetam": _EDGETAM,
        "edgetam_video": _EDGETAM,
        "sam3_tracker": Family(name="sam3_tracker", model_class="Sam3TrackerModel", frame=Square, normalisation=_HALF),
    }
)
"""Families by the `model_type` of a config.json; Meta's own SAM 2 and EdgeTAM say that they are video models."""


class HuggingFaceModel:
    """A loaded model. Immutable; `embed` and `predict` may run in many threads at once."""

    def __init__(
        self,
        model: Any,
        family: Family,
        *,
        model_id: str,
        normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
        precision: Precision = "auto",
    ) -> None:
        self._model = model.eval().requires_grad_(False)
        self._family = family
        self._model_id = model_id
        self._device = next(model.parameters()).device
        self._bfloat16 = computes_bfloat16(precision, self._device)
        self._side_px = _square_side(model.prompt_encoder.input_image_size, model_id)
        rows, cols = model.prompt_encoder.image_embedding_size
        self._logits_size = (4 * int(rows), 4 * int(cols))
        mean, std = normalisation or family.normalisation
        self._mean = torch.tensor(mean, device=self._device).view(1, 3, 1, 1)
        self._std = torch.tensor(std, device=self._device).view(1, 3, 1, 1)

    @property
    def model_id(self) -> str:
        """Family, name and weights hash, as sam2-sam2.1-hiera-tiny@0123456789ab; with +bf16 like `SamModel`."""
        return self._model_id + ("+bf16" if self._bfloat16 else "")

    def embed(self, image: UInt8[np.ndarray, "h w 3"]) -> ImageState:
        """Encode one RGB image; seconds on a CPU at 1024 px.

        Raises:
            InvalidPrompt: the image is not (H, W, 3) uint8, or empty.
        """
        validate_image(image)
        size = (image.shape[0], image.shape[1])
        fitted = self._frame(size).fit_image(image)
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16):
            pixels = torch.from_numpy(fitted).to(self._device).permute(2, 0, 1)[None].float() / 255.0
            pixels = (pixels - self._mean) / self._std
            rest = (0, self._side_px - pixels.shape[3], 0, self._side_px - pixels.shape[2])
            features = self._features(functional.pad(pixels, rest))
        n_bytes = sum(feature.element_size() * feature.nelement() for feature in features)
        return ImageState(model_id=self.model_id, image_size=size, features=features, n_bytes=n_bytes)

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        """Turn a prompt into masks at the image's own resolution; the mask of highest predicted IoU is chosen.

        Args:
            state: what `embed` of this model returned.
            prompt: at least one point, box or scribble, which becomes points, see `as_points`; `low_res_logits` are an
                earlier prediction's of this model.
            multimask: several candidates or one; None asks for several only at a single click and nothing else.

        Raises:
            InvalidPrompt: no prompt at all, one outside the image, an empty box, logits of another size.
            StateMismatch: `state` belongs to another model.
        """
        check_state(state, self.model_id)
        validate_prompt(prompt, state.image_size, logits_size=self._logits_size)
        frame = self._frame(state.image_size)
        with torch.inference_mode():
            output = self._model(
                **self._image_arguments(state.features),
                **self._prompt_arguments(prompt, frame),
                multimask_output=wants_candidates(prompt) if multimask is None else multimask,
            )
            logits = output.pred_masks[0].float()
            masks = _at_image_size(logits, frame)[0] > 0
        predicted_iou = output.iou_scores[0, 0].float().cpu().numpy()
        return MaskPrediction(
            masks=masks.cpu().numpy(),
            predicted_iou=predicted_iou,
            low_res_logits=logits[0].cpu().numpy(),
            chosen=int(predicted_iou.argmax()),
        )

    def _frame(self, image_size: tuple[int, int]) -> Square:
        """Say how an image lies in the model's square."""
        return self._family.frame(image_size=image_size, side_px=self._side_px)

    def _features(self, pixels: Float[Tensor, "1 3 s s"]) -> tuple[Tensor, ...]:
        """Encode a square; SAM-HQ also gives what its first global block saw, SAM 2 and its kin finer maps."""
        features = self._model.get_image_embeddings(pixels)
        if self._family.name == "sam_hq":
            embedding, early = features
            features = (embedding, early[0])
        elif isinstance(features, Tensor):
            features = (features,)
        return tuple(feature.float().contiguous() for feature in features)

    def _image_arguments(self, features: tuple[Tensor, ...]) -> dict[str, Any]:
        """Hand features back to the model as it wants them."""
        if self._family.name == "sam_hq":
            return {"image_embeddings": features[0], "intermediate_embeddings": [features[1]]}
        return {"image_embeddings": features[0] if self._family.name == "sam" else list(features)}

    def _prompt_arguments(self, prompt: Prompt, frame: Square) -> dict[str, Tensor]:
        """Points (1, 1, n, 2) with labels (1, 1, n), box (1, 1, 4) and logits (1, 1, lh, lw), those that there are."""
        arguments: dict[str, Tensor] = {}
        if points := as_points(prompt, frame.image_size):
            points_xy, labels = points_to_arrays(points)
            coords = torch.as_tensor(frame.to_sam(points_xy), dtype=torch.float32, device=self._device)
            arguments["input_points"] = coords[None, None]
            arguments["input_labels"] = torch.as_tensor(labels, device=self._device)[None, None]
        if prompt.box is not None:
            corners = torch.as_tensor(frame.box_to_sam(prompt.box), dtype=torch.float32, device=self._device)
            arguments["input_boxes"] = corners.reshape(1, 1, 4)
        if prompt.low_res_logits is not None:
            logits = torch.as_tensor(prompt.low_res_logits, dtype=torch.float32, device=self._device)
            arguments["input_masks"] = logits[None, None]
        return arguments


def _at_image_size(logits: Float[Tensor, "1 m lh lw"], frame: Square) -> Float[Tensor, "1 m h w"]:
    """Bring logits to the image's own size, padding cut off, bilinear as each family's own processor does."""
    if isinstance(frame, LongestSide):
        height, width = frame.input_size
        square = functional.interpolate(logits, (frame.side_px, frame.side_px), mode="bilinear", align_corners=False)
        logits = square[..., :height, :width]
    return functional.interpolate(logits, frame.image_size, mode="bilinear", align_corners=False)


def _square_side(size: Any, source: str) -> int:
    """Side of the input, which a config gives as a number or a pair."""
    sides = {int(side) for side in size} if isinstance(size, list | tuple) else {int(size)}
    if len(sides) != 1:
        raise CheckpointError(f"{source} takes images of {size} pixels; only square inputs are supported")
    return sides.pop()


def load_huggingface(
    name: str, *, allow_download: bool = False, device: str = "cpu", precision: Precision = "auto"
) -> HuggingFaceModel:
    """Load a promptable model of `transformers`.

    Args:
        name: a folder with config.json and .safetensors weights, or a hub name such as facebook/sam2.1-hiera-tiny.
        allow_download: fetch from the hub what this machine lacks; off, nothing leaves it.
        device: where the model lives.
        precision: of the image encoder; "auto" takes bfloat16 where the device computes it natively.

    Raises:
        CheckpointError: nothing there, truncated, unsafe, of another family, or weights that do not fit the config.
    """
    import transformers

    where: dict[str, Any] = {"local_files_only": not allow_download, "trust_remote_code": False}
    try:
        config = transformers.AutoConfig.from_pretrained(name, **where)
        family = FAMILIES.get(config.model_type)
        if family is None:
            raise CheckpointError(
                f"'{name}' is a model of type '{config.model_type}', which takes no clicks here; "
                f"allowed: {', '.join(FAMILIES)}"
            )
        model, report = getattr(transformers, family.model_class).from_pretrained(
            name, use_safetensors=True, output_loading_info=True, dtype=torch.float32, **where
        )
    except (SafetensorError, OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
        hint = "" if allow_download else "; downloads are off, so give a local folder or `fewclick models pull` it"
        raise CheckpointError(
            f"cannot load '{name}' with transformers: {' '.join(str(error).split())[:300]}{hint}. Needed: config.json "
            f"and intact .safetensors weights (pickled ones are refused)"
        ) from error
    _refuse_misfits(report, name)
    refuse_not_finite(model.state_dict(), name)
    label = re.sub(r"[^A-Za-z0-9._]+", "-", name.rstrip("/\\").replace("\\", "/").rpartition("/")[2])
    return HuggingFaceModel(
        model.to(device),
        family,
        model_id=f"{family.name}-{label}@{fingerprint(model)}",
        normalisation=_normalisation(name, local_files_only=not allow_download),
        precision=precision,
    )


def _refuse_misfits(report: Mapping[str, Any], name: str) -> None:
    """Raise where weights are missing, of other shapes, or were adapted by layers that would be left out."""
    missing, mismatched = sorted(report["missing_keys"]), sorted(map(str, report["mismatched_keys"]))
    if missing or mismatched:
        raise CheckpointError(
            f"'{name}': the weights are not those of its config.json; {len(missing)} tensors are missing "
            f"{missing[:3]}, {len(mismatched)} have another shape {mismatched[:3]}; get them again"
        )
    spare = sorted(report["unexpected_keys"])
    if adapted := [key for key in spare if _ADAPTER.search(key)]:
        raise CheckpointError(
            f"'{name}' holds {len(adapted)} adapter tensors {adapted[:3]}, which would be left out; merge them first"
        )
    if spare:
        logger.warning("%d tensors of the checkpoint have no place in the model", len(spare))


def _normalisation(name: str, *, local_files_only: bool) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and spread from the folder's image processor; None where it has none."""
    from transformers import BaseImageProcessor

    try:
        settings, _ = BaseImageProcessor.get_image_processor_dict(name, local_files_only=local_files_only)
    except OSError:
        return None
    mean, std = settings.get("image_mean"), settings.get("image_std")
    if not mean or not std:
        return None
    return tuple(float(value) for value in mean), tuple(float(value) for value in std)
