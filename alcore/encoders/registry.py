"""Encoders by name; torch is imported only when one is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from alcore.encoders.base import Encoder
from alcore.errors import InvalidInput, UnknownName


@dataclass(frozen=True, kw_only=True)
class EncoderInfo:
    """One line about an encoder, for lists that people read."""

    name: str
    summary: str
    paper: str
    licence: str
    pixels: str
    """What it makes of the uint8 RGB pixels that the display window gives; none sees raw 16-bit or HU values."""


ENCODERS: Mapping[str, EncoderInfo] = MappingProxyType(
    {
        info.name: info
        for info in (
            EncoderInfo(
                name="builtin",
                summary="small network trained on medical images; ships with the package, no download",
                paper="VICReg (arXiv:2105.04906) and MaskFeat (arXiv:2112.09133)",
                licence="Apache-2.0",
                pixels="shifted and scaled by constants (96, 64); squashed to a square of 256 px",
            ),
            EncoderInfo(
                name="huggingface",
                summary="huggingface:<hub name or folder>, e.g. DINOv2, DINOv3, RAD-DINO, Phikon, CLIP, SigLIP, ResNet",
                paper="as its model card says, e.g. DINOv2 (arXiv:2304.07193)",
                licence="as its model card says",
                pixels="mean, deviation and side of its files, else ImageNet's; squashed to a square",
            ),
            EncoderInfo(
                name="timm",
                summary="timm:<model>[:checkpoint file], any timm backbone; also open_clip files such as BiomedCLIP's",
                paper="as timm's model card says",
                licence="as its model card says",
                pixels="mean, deviation and side that timm knows for it; squashed to a square",
            ),
            EncoderInfo(
                name="sam",
                summary="sam:<checkpoint file>, image encoder of a SAM vit_b, vit_l, vit_h or a fine-tune (MedSAM)",
                paper="Kirillov et al. 2023, Segment Anything (arXiv:2304.02643)",
                licence="Apache-2.0 (Meta's own weights; a fine-tuned file has its maker's terms)",
                pixels="SAM's mean and deviation of natural images; squashed to a square of the file's side",
            ),
        )
    }
)


def load_encoder(spec: str, *, allow_download: bool = False) -> Encoder:
    """Load an encoder.

    Args:
        spec: `builtin`, `huggingface:<hub name or folder>`, `timm:<model>[:checkpoint file]` or `sam:<file>`.
        allow_download: fetch weights that are neither in the package nor in the local cache.

    Returns:
        The encoder, ready to use.

    Raises:
        UnknownName: no encoder or timm model of this name.
        InvalidInput: the spec lacks its second part, or has one too many.
        ModelFileError: weights are missing, truncated, unsafe to load or of another model.
    """
    name, _, rest = spec.partition(":")
    if name not in ENCODERS:
        raise UnknownName.of("encoder", name, ENCODERS)
    if name == "builtin":
        if rest:
            raise InvalidInput(f"encoder 'builtin' takes nothing after its name; got {spec!r}")
        from alcore.encoders.builtin import BuiltinEncoder

        return BuiltinEncoder()
    if not rest:
        raise InvalidInput(f"encoder {name!r} needs more; write it as {ENCODERS[name].summary.partition(',')[0]}")
    if name == "huggingface":
        from alcore.encoders.huggingface import HuggingFaceEncoder

        return HuggingFaceEncoder(rest, allow_download=allow_download)
    if name == "sam":
        from alcore.encoders.sam import SamEncoder

        return SamEncoder(Path(rest))
    from alcore.encoders.timm import TimmEncoder

    model_name, _, checkpoint = rest.partition(":")
    return TimmEncoder(model_name, checkpoint=Path(checkpoint) if checkpoint else None, allow_download=allow_download)
