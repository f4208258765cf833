"""The network at work: weights, precision, encoding of levels, decoding of windows."""

import copy
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor
from torch.nn import functional as F

from prompts.builtin import model
from prompts.builtin.encoded import EncodedImage
from prompts.builtin.frames import View, canvas_shape, level_scales
from prompts.builtin.judging import JUDGE_PREFIX, Judge
from prompts.builtin.model import PromptableNet, prompt_maps
from prompts.errors import CheckpointError


def preferred_dtype() -> torch.dtype:
    """Choose bfloat16 where the processor multiplies it natively; elsewhere float32 is faster."""
    capabilities = torch.cpu.get_capabilities()
    native = capabilities.get("avx512_bf16", False) or capabilities.get("amx_bf16", False)
    return torch.bfloat16 if native else torch.float32


class Engine:
    """A loaded network. Holds no state of any image; safe to share between threads."""

    def __init__(self, weights: bytes, *, source: Path, decoder: Mapping[str, Tensor] | None = None) -> None:
        """Build the network from the bytes of a weights file, with another decoder where one is given."""
        try:
            state = load(weights)
        except SafetensorError as error:
            raise CheckpointError(f"{source} is not a complete safetensors file ({error}); restore it") from error
        judged = {name: state.pop(name).numpy() for name in list(state) if name.startswith(JUDGE_PREFIX)}
        net = PromptableNet(folded=True)
        expected = {name: value.shape for name, value in net.state_dict().items()}
        got = {name: value.shape for name, value in state.items()}
        if expected != got:
            odd = sorted(name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name))
            raise CheckpointError(
                f"{source} holds weights of another model: {len(odd)} tensors are missing, unknown or misshapen, "
                f"the first is {odd[0]!r}; expected the file that ships as prompts/builtin/weights.safetensors"
            )
        net.load_state_dict({name: value.float() for name, value in state.items()})
        # What was learned of this decoder's answers does not hold for another's, which knows its project's objects.
        try:
            self.judge = Judge.of(judged) if judged and decoder is None else None
        except KeyError as error:
            raise CheckpointError(f"{source} lacks {error} of what judges first clicks; restore the file") from error
        """What chooses among the masks of a first click; None where the file has none."""
        if decoder is not None:
            net.decoder.load_state_dict(decoder)
        self._dtype = preferred_dtype()
        self._net = net.to(memory_format=torch.channels_last).to(self._dtype).eval()
        self._net.decoder.iou.float()

    @property
    def dtype(self) -> torch.dtype:
        """What the network computes in."""
        return self._dtype

    def copy_of_decoder(self) -> model.Decoder:
        """A trainable copy of the decoder, in float32."""
        decoder: model.Decoder = copy.deepcopy(self._net.decoder).float().requires_grad_(True)
        return decoder

    @torch.inference_mode()
    def encode(self, image: UInt8[np.ndarray, "h w 3"]) -> EncodedImage:
        """Encode every level of an image."""
        height, width = image.shape[:2]
        pixels = torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
        # As in training: mean and deviation of a thumbnail of the whole image.
        thumb = pixels[:, :, :: max(1, height // 128), :: max(1, width // 128)]
        pixels = (pixels - thumb.mean()) / (thumb.std() + 0.03)
        scales = level_scales(height, width)
        return EncodedImage(self._net.encode, scales, [self._canvas(pixels, scale) for scale in scales])

    def _canvas(self, pixels: Tensor, scale: float) -> Tensor:
        """Scale pixels (1, 3, h, w) to a level and pad them, with the validity channel."""
        height, width = pixels.shape[2:]
        size = max(1, round(height * scale)), max(1, round(width * scale))
        if size != (height, width):
            pixels = F.interpolate(pixels, size, mode="bilinear", align_corners=False, antialias=scale < 1)
        canvas = torch.zeros(1, model.IMAGE_CHANNELS, *canvas_shape(height, width, scale), dtype=self._dtype)
        canvas[:, :3, : size[0], : size[1]] = pixels
        canvas[:, 3, : size[0], : size[1]] = 1
        return canvas.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def decode(
        self,
        encoded: EncodedImage,
        view: View,
        points: Float[np.ndarray, "p 3"],
        box: Float[np.ndarray, "4"],
        logits: Float[np.ndarray, "128 128"],
        *,
        single: bool = False,
    ) -> tuple[Float[np.ndarray, "m 128 128"], Float[np.ndarray, " m"]]:
        """Decode one prompt, given in window pixels; all zero stands for no box and no logits.

        Returns:
            Logits and predicted IoU of the single answer and, unless only that is asked for, of three candidates.
        """
        maps = prompt_maps(*(torch.from_numpy(a.astype(np.float32))[None] for a in (points, box, logits)))
        n_outputs = 1 if single else model.N_OUTPUTS
        out, iou = self._net.decoder(encoded.window(view), maps.to(self._dtype), n_outputs=n_outputs)
        return out[0].float().numpy(), iou[0].float().clamp(0, 1).numpy()
