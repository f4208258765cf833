"""SAM checkpoints of the segment_anything package as `Predictor`: vit_b, vit_l, vit_h and fine-tunes of them.

The parts of `segment_anything.Sam` are called directly: its `SamPredictor` keeps the current image inside itself, so
two people on two images would mix. Here the encoded image travels in an `ImageState`, and one `SamModel` serves any
number of threads.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, UInt8
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from torch import Tensor

from prompts.errors import CheckpointError
from prompts.geometry import LongestSide, points_to_arrays, validate_image, validate_prompt
from prompts.predictor import as_points, check_state, wants_candidates
from prompts.sam_layout import DECODER_HEADS, DecoderLayout, SamLayout, check_size, read_layout, refuse_key_mismatch
from prompts.types import ImageState, MaskPrediction, Prompt
from prompts.weights import Precision, computes_bfloat16, file_digest, read_state_dict, refuse_not_finite

if TYPE_CHECKING:
    from prompts.sam_trainee import SamTrainee

_PIXEL_MEAN = [123.675, 116.28, 103.53]
_PIXEL_STD = [58.395, 57.12, 57.375]


class SamModel:
    """A loaded SAM. Immutable; `embed` and `predict` may run in many threads at once."""

    def __init__(self, sam: Sam, *, base_id: str, adaptation_id: str = "", precision: Precision = "auto") -> None:
        self._sam = sam.eval().requires_grad_(False)
        self._base_id, self._adaptation_id = base_id, adaptation_id
        self._bfloat16 = computes_bfloat16(precision, sam.device)
        height, width = sam.prompt_encoder.mask_input_size
        self._logits_size = (int(height), int(width))

    @property
    def model_id(self) -> str:
        """Size and weights hash, such as sam_vit_b@01ec64f2a3b4, and + an adaptation's hash.

        With +bf16 where the encoder computes in bfloat16, as states then differ.
        """
        adapted = f"+{self._adaptation_id}" if self._adaptation_id else ""
        return self._base_id + adapted + ("+bf16" if self._bfloat16 else "")

    @property
    def base_id(self) -> str:
        """See `prompts.adaptation.Adaptable`."""
        return self._base_id

    def trainee(self) -> "SamTrainee":
        """A trainable copy of the mask decoder, for `prompts.adaptation`."""
        from prompts.sam_trainee import SamTrainee

        return SamTrainee(self, self._sam)

    def embed(self, image: UInt8[np.ndarray, "h w 3"]) -> ImageState:
        """Encode one RGB image; seconds on a CPU at 1024 px.

        Raises:
            InvalidPrompt: the image is not (H, W, 3) uint8, or empty.
        """
        validate_image(image)
        size = (image.shape[0], image.shape[1])
        fitted = self._frame(size).fit_image(image)
        device = self._sam.device
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=self._bfloat16):
            pixels = torch.from_numpy(fitted).to(device).permute(2, 0, 1)[None]
            features = self._sam.image_encoder(self._sam.preprocess(pixels)).float()
        n_bytes = features.element_size() * features.nelement()
        return ImageState(model_id=self.model_id, image_size=size, features=features, n_bytes=n_bytes)

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        """Turn a prompt into masks at the image's own resolution; the mask of highest predicted IoU is chosen.

        Args:
            state: what `embed` of this model returned.
            prompt: at least one point, box or scribble, which becomes points, see `as_points`; `low_res_logits` are an
                earlier prediction's, 256 x 256 for Meta's.
            multimask: several candidates or one; None asks for several only at a single click and nothing else, as one
                click is ambiguous and more prompts are not (Kirillov et al. 2023, section 3).

        Raises:
            InvalidPrompt: no prompt at all, one outside the image, an empty box, logits of another size.
            StateMismatch: `state` belongs to another model.
        """
        check_state(state, self.model_id)
        validate_prompt(prompt, state.image_size, logits_size=self._logits_size)
        if multimask is None:
            multimask = wants_candidates(prompt)
        frame = self._frame(state.image_size)
        with torch.inference_mode():
            sparse, dense = self._sam.prompt_encoder(*self._encode(prompt, frame))
            logits, iou = self._sam.mask_decoder(
                image_embeddings=state.features,
                image_pe=self._sam.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=multimask,
            )
            masks = self._sam.postprocess_masks(logits, frame.input_size, state.image_size) > self._sam.mask_threshold
        predicted_iou = iou[0].float().cpu().numpy()
        return MaskPrediction(
            masks=masks[0].cpu().numpy(),
            predicted_iou=predicted_iou,
            low_res_logits=logits[0].float().cpu().numpy(),
            chosen=int(predicted_iou.argmax()),
        )

    def _frame(self, image_size: tuple[int, int]) -> LongestSide:
        """Say how an image lies in the model's square."""
        return LongestSide(image_size=image_size, side_px=self._sam.image_encoder.img_size)

    def _encode(
        self, prompt: Prompt, frame: LongestSide
    ) -> tuple[tuple[Tensor, Tensor] | None, Float[Tensor, "1 4"] | None, Float[Tensor, "1 1 lh lw"] | None]:
        """Return points (of strokes too) with labels, box and logits as SAM's prompt encoder wants them."""
        device = self._sam.device
        points = box = logits = None
        if given := as_points(prompt, frame.image_size):
            points_xy, labels = points_to_arrays(given)
            coords = torch.as_tensor(frame.to_sam(points_xy), dtype=torch.float32, device=device)
            points = (coords[None], torch.as_tensor(labels, device=device)[None])
        if prompt.box is not None:
            box = torch.as_tensor(frame.box_to_sam(prompt.box), dtype=torch.float32, device=device).reshape(1, 4)
        if prompt.low_res_logits is not None:
            logits = torch.as_tensor(prompt.low_res_logits, dtype=torch.float32, device=device)[None, None]
        return points, box, logits


def load_sam(
    path: Path,
    *,
    size: str | None = None,
    adaptation: Path | None = None,
    device: str = "cpu",
    precision: Precision = "auto",
) -> SamModel:
    """Load a SAM from a .pth or .safetensors file; code hidden in a file is never run.

    Args:
        path: a state dict as `segment_anything` saves it, or one under "model", "state_dict" or "model_state_dict".
        size: vit_b, vit_l or vit_h to insist on it; None takes any encoder that the file describes.
        adaptation: another mask decoder for it, written by `prompts.adaptation`.
        device: where the model lives.
        precision: of the image encoder; "auto" takes bfloat16 where the device computes it natively.

    Raises:
        CheckpointError: the file is missing, truncated, unsafe, of another family or of another size.
    """
    state_dict = read_state_dict(path)
    layout = read_layout({key: tuple(value.shape) for key, value in state_dict.items()}, source=path.name)
    if size is not None:
        check_size(layout, size, source=path.name)
    sam = _build(layout)
    assign(sam, state_dict, path.name)
    return adapted_model(sam, f"sam_{layout.size}@{file_digest(path)}", adaptation, device, precision)


def adapted_model(sam: Sam, base_id: str, adaptation: Path | None, device: str, precision: Precision) -> SamModel:
    """Finish loading: put in an adaptation's mask decoder, if there is one."""
    adaptation_id = ""
    if adaptation is not None:
        from prompts.adaptation import read_adaptation

        sam.mask_decoder.load_state_dict(read_adaptation(adaptation, base_id=base_id))
        adaptation_id = file_digest(adaptation)
    return SamModel(sam.float().to(device), base_id=base_id, adaptation_id=adaptation_id, precision=precision)


def _build(layout: SamLayout) -> Sam:
    """Build the network without memory for its weights; `assign` brings them."""
    with torch.device("meta"):
        image_encoder = ImageEncoderViT(
            depth=layout.depth,
            embed_dim=layout.embed_dim,
            img_size=layout.image_px,
            mlp_ratio=layout.mlp_ratio,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            num_heads=layout.n_heads,
            patch_size=layout.patch_px,
            qkv_bias=layout.qkv_bias,
            use_rel_pos=True,
            global_attn_indexes=layout.global_blocks,
            window_size=layout.window_tokens,
            out_chans=layout.prompt_dim,
        )
    return build_around(image_encoder, layout, image_px=layout.image_px, grid_tokens=layout.grid_tokens)


def build_around(image_encoder: torch.nn.Module, layout: DecoderLayout, *, image_px: int, grid_tokens: int) -> Sam:
    """Put prompt encoder and mask decoder behind an image encoder; `assign` brings their weights.

    Args:
        image_encoder: maps (1, 3, image_px, image_px) to (1, prompt_dim, grid_tokens, grid_tokens), has `img_size`.
        layout: sizes of the decoder.
        image_px: side of the square input.
        grid_tokens: side of the image embedding.
    """
    with torch.device("meta"):
        prompt_encoder = PromptEncoder(
            embed_dim=layout.prompt_dim,
            image_embedding_size=(grid_tokens, grid_tokens),
            input_image_size=(image_px, image_px),
            mask_in_chans=layout.mask_channels,
        )
        mask_decoder = MaskDecoder(
            num_multimask_outputs=layout.n_multimask,
            transformer=TwoWayTransformer(
                depth=layout.decoder_depth,
                embedding_dim=layout.prompt_dim,
                mlp_dim=layout.decoder_mlp_dim,
                num_heads=DECODER_HEADS,
                attention_downsample_rate=layout.decoder_downsample,
            ),
            transformer_dim=layout.prompt_dim,
            iou_head_depth=layout.iou_depth,
            iou_head_hidden_dim=layout.iou_hidden_dim,
        )
    return Sam(image_encoder, prompt_encoder, mask_decoder, pixel_mean=_PIXEL_MEAN, pixel_std=_PIXEL_STD)


def assign(sam: Sam, state_dict: dict[str, Tensor], source: str) -> None:
    """Put every tensor in its place, or raise `CheckpointError` naming those that do not fit or are not finite."""
    for name in ("pixel_mean", "pixel_std"):
        if name in state_dict:
            getattr(sam, name).copy_(state_dict.pop(name).reshape(3, 1, 1))
    expected = sam.state_dict()
    refuse_key_mismatch(expected.keys() - state_dict.keys(), state_dict.keys() - expected.keys(), source=source)
    for key, value in state_dict.items():
        if value.shape != expected[key].shape:
            raise CheckpointError(
                f"'{source}': tensor {key} is {tuple(value.shape)} but must be {tuple(expected[key].shape)} for the "
                f"encoder that the file describes; it was mixed or damaged: get it again"
            )
    refuse_not_finite(state_dict, source)
    sam.load_state_dict(state_dict, assign=True)
