"""Vision transformers and conv nets through `transformers`, by hub name or from a local folder."""

import inspect
import math
import re
from typing import Any

import torch
from jaxtyping import Float

from alcore.encoders.foreign import ForeignEncoder, choose_level
from alcore.encoders.weights import fingerprint
from alcore.errors import ModelFileError

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_DEFAULT_SIDE = 224
_PROMPTABLE = re.compile(r"sam\d?(_|$)|edgetam")


class HuggingFaceEncoder(ForeignEncoder):
    """`AutoModel` with frozen weights.

    A transformer's vector is its CLS token, where it has one, beside the mean of its patch tokens; its dense map are
    the patch tokens, with CLS and register tokens dropped. A conv net's vector is its pooled output, its dense map its
    deepest stage at stride 16 or finer. Of models of images and texts the vision tower is used.
    """

    def __init__(self, name: str, *, allow_download: bool = False) -> None:
        self._model = _load_model(name, allow_download=allow_download)
        side, mean, std = _preprocessing(name, self._model.config, allow_download=allow_download)
        takes = inspect.signature(self._model.forward).parameters
        self._takes_any_side, self._takes_patches = "interpolate_pos_encoding" in takes, "spatial_shapes" in takes
        label = re.sub(r"[^A-Za-z0-9.]+", "-", name.rstrip("/\\").replace("\\", "/").split("/")[-1])
        self.encoder_id = f"huggingface-{label}-{side}-{fingerprint(self._model)}"
        try:
            super().__init__(side=side, mean=mean, std=std)
        except (TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise ModelFileError(
                f"{name!r} ({self._model.config.model_type}) cannot be run on a {side} pixel square: "
                f"{' '.join(str(error).split())[:200]}; use a vision model such as DINOv2, ViT, SigLIP or ResNet"
            ) from error

    def _forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One pass: vectors and dense maps."""
        patch_size = getattr(self._model.config, "patch_size", None)
        given: dict[str, Any] = {"interpolate_pos_encoding": True} if self._takes_any_side else {}
        if self._takes_patches:
            given = _as_patches(pixels, patch_size)
        output = self._model(**{"pixel_values": pixels, "output_hidden_states": True, **given})
        last = output.last_hidden_state
        levels = [level for level in (*(output.hidden_states or ()), last) if level.ndim == 4]
        if levels:  # DINOv3's ConvNeXt puts its pooled output before the flattened last stage
            return (last.mean((2, 3)) if last.ndim == 4 else last[:, 0]), choose_level(levels, self._side)
        return _split_tokens(last, self._side, patch_size)


def _as_patches(pixels: Float[torch.Tensor, "n 3 s s"], patch_size: Any) -> dict[str, Any]:
    """Cut images as SigLIP 2 with flexible sides wants them: (n, cells * cells, patch_size * patch_size * 3)."""
    n, cells = len(pixels), pixels.shape[-1] // patch_size
    grid = pixels.unfold(2, patch_size, patch_size).unfold(3, patch_size, patch_size)
    return {
        "pixel_values": grid.permute(0, 2, 3, 4, 5, 1).reshape(n, cells * cells, -1),
        "pixel_attention_mask": torch.ones(n, cells * cells, dtype=torch.long),
        "spatial_shapes": torch.full((n, 2), cells),
    }


def _split_tokens(tokens: torch.Tensor, side: int, patch_size: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Take apart prefix (CLS, registers) and patch tokens."""
    n_tokens = tokens.shape[1]
    cells = side // patch_size if isinstance(patch_size, int) else 0
    if not 0 < cells * cells <= n_tokens:  # hierarchical models merge patches and have no CLS token
        cells = math.isqrt(n_tokens)
        if cells * cells != n_tokens:
            raise ModelFileError(f"{n_tokens} tokens for a {side} pixel image form no square map; use another model")
    n_prefix = n_tokens - cells * cells
    patches = tokens[:, n_prefix:]
    dense = patches.transpose(1, 2).reshape(len(tokens), tokens.shape[2], cells, cells)
    if n_prefix == 0:
        return patches.mean(1), dense
    return torch.cat([tokens[:, 0], patches.mean(1)], dim=1), dense


def _load_model(name: str, *, allow_download: bool) -> Any:
    """Load the vision part of a model from safetensors, with every weight present."""
    from safetensors import SafetensorError
    from transformers import AutoModel

    try:
        model, report = AutoModel.from_pretrained(
            name,
            local_files_only=not allow_download,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.float32,
        )
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        hint = "" if allow_download else "; downloads are off, so give a local folder or fetch the model first"
        raise ModelFileError(
            f"cannot load {name!r} with transformers: {reason}{hint}. Needed: config.json and intact .safetensors "
            "weights (pickled ones are refused)"
        ) from error
    absent = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    if absent or report.get("mismatched_keys"):
        raise ModelFileError(
            f"{name!r}: the weights are of another model; {len(absent)} tensors are missing {absent[:3]}, "
            f"{len(report.get('mismatched_keys') or ())} have another shape"
        )
    if _PROMPTABLE.match(model.config.model_type):
        raise ModelFileError(
            f"{name!r} is a promptable model ({model.config.model_type}): name it as segmenter; as encoder, a SAM "
            "comes from a segment-anything file: sam:<file>"
        )
    model = getattr(model, "vision_model", model)
    if model.main_input_name != "pixel_values":
        raise ModelFileError(f"{name!r} takes {model.main_input_name}, not images; use a vision model")
    return model.eval()


def _preprocessing(name: str, config: Any, *, allow_download: bool) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    """Side, mean and spread of the model's input; ImageNet's where the folder has no image processor."""
    from transformers import AutoImageProcessor

    try:
        processor: Any = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            name, local_files_only=not allow_download, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError):
        processor = None
    patch_size, n_patches = getattr(config, "patch_size", None), getattr(config, "num_patches", None)
    step = patch_size if isinstance(patch_size, int) else 32
    side = _first_side(
        *(getattr(processor, "crop_size", None), getattr(processor, "size", None), getattr(config, "image_size", None)),
        math.isqrt(n_patches) * step if isinstance(n_patches, int) else None,
    )
    side = max(step, side // step * step)
    mean = getattr(processor, "image_mean", None) or _IMAGENET_MEAN
    std = getattr(processor, "image_std", None) or _IMAGENET_STD
    return side, tuple(float(v) for v in mean), tuple(float(v) for v in std)


def _first_side(*candidates: Any) -> int:
    """First usable side among numbers, pairs and size dictionaries."""
    for candidate in candidates:
        if isinstance(candidate, int) and candidate > 0:
            return candidate
        for key in ("height", "shortest_edge"):
            value = getattr(candidate, key, None)
            if value is None and hasattr(candidate, "get"):
                value = candidate.get(key)
            if isinstance(value, int) and value > 0:
                return value
        if isinstance(candidate, list | tuple) and candidate and isinstance(candidate[0], int):
            return candidate[0]
    return _DEFAULT_SIDE
