"""Backbones of the `timm` package, with its own weights or a checkpoint file."""

import re
from pathlib import Path
from typing import Any

import torch

from alcore.encoders.foreign import ForeignEncoder, choose_level
from alcore.encoders.weights import fill, fingerprint, read_tensors
from alcore.errors import InvalidInput, ModelFileError, UnknownName

_OPEN_CLIP_TRUNK = "visual.trunk."
_CLIP_MEAN, _CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_HEADS = r"(module\.)?(head|fc|classifier|head_dist|last_linear)\b"


class TimmEncoder(ForeignEncoder):
    """A timm model without its classifier.

    The vector is the pooled output, the dense map the deepest level at stride 16 or finer (patch tokens, for a
    transformer). Of an open_clip file, such as BiomedCLIP's, the vision tower without its projection is taken, and
    pixels are normalised as CLIP does.
    """

    def __init__(self, name: str, *, checkpoint: Path | None = None, allow_download: bool = False) -> None:
        self._model, mean, std = _build(name, checkpoint, allow_download=allow_download)
        side = int(self._model.pretrained_cfg["input_size"][-1])
        self.encoder_id = f"timm-{re.sub(r'[^A-Za-z0-9._]+', '-', name)}-{side}-{fingerprint(self._model)}"
        super().__init__(side=side, mean=mean, std=std)

    def _forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One pass: vectors and dense maps."""
        final, levels = self._model.forward_intermediates(pixels, output_fmt="NCHW")
        return self._model.forward_head(final, pre_logits=True), choose_level(levels, self._side)


def _build(
    name: str, checkpoint: Path | None, *, allow_download: bool
) -> tuple[Any, tuple[float, ...], tuple[float, ...]]:
    """Create the model with weights from a file, the local cache or, if allowed, the hub; mean and spread of pixels."""
    import timm

    is_open_clip = False

    if not timm.is_model(name.split(".")[0]):
        raise UnknownName(f"unknown timm model {name!r}; `timm.list_models()` names them all")
    if checkpoint is None and allow_download:
        try:
            model: Any = timm.create_model(name, pretrained=True, num_classes=0)
        except (OSError, RuntimeError) as error:
            raise ModelFileError(f"cannot fetch the weights of timm model {name!r}: {error}") from error
    else:
        model = timm.create_model(name, pretrained=False, num_classes=0)
        path = checkpoint or _cached_weights(name, model)
        tensors = read_tensors(path)
        if is_open_clip := any(key.startswith(_OPEN_CLIP_TRUNK) for key in tensors):
            trunk = {key: value for key, value in tensors.items() if key.startswith(_OPEN_CLIP_TRUNK)}
            tensors = {key.removeprefix(_OPEN_CLIP_TRUNK): value for key, value in trunk.items()}
        fill(model, tensors, source=str(path), spare=_HEADS)
    if not hasattr(model, "forward_intermediates"):
        raise InvalidInput(f"timm model {name!r} gives no intermediate features; use a ViT, ResNet, ConvNeXt or Swin")
    if is_open_clip and "siglip" not in name:  # whose own settings say how
        return model.eval(), _CLIP_MEAN, _CLIP_STD
    return model.eval(), tuple(model.pretrained_cfg["mean"]), tuple(model.pretrained_cfg["std"])


def _cached_weights(name: str, model: Any) -> Path:
    """Where the hub's cache keeps the weights."""
    from huggingface_hub import try_to_load_from_cache

    repository = model.pretrained_cfg.get("hf_hub_id")
    if repository:
        path = try_to_load_from_cache(repository, "model.safetensors")
        if isinstance(path, str):
            return Path(path)
    raise ModelFileError(
        f"the weights of timm model {name!r} are not on this machine and downloads are off; "
        f"write timm:{name}:<checkpoint file>"
    )
