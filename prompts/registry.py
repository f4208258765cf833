"""The promptable models by name. Importing this loads no model library; `load_predictor` does."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from prompts.errors import CheckpointError, UnknownModel
from prompts.predictor import Predictor

_SAM_PAPER = "Kirillov et al. 2023, Segment Anything (arXiv:2304.02643)"
NOT_ADAPTABLE = "models of transformers cannot be adapted; use 'builtin', 'sam_*' or 'mobile_sam'"
_SAM_PIXELS = "SAM's mean and deviation of natural images; longer side to 1024 px, padded"
_SAM_LICENCE = "Apache-2.0 (Meta's own weights; a fine-tuned file has its maker's terms)"


@dataclass(frozen=True, kw_only=True)
class SegmenterInfo:
    """What there is to know about a promptable model before it is loaded."""

    name: str
    summary: str
    paper: str
    licence: str
    pixels: str
    """What it makes of the uint8 RGB pixels that the display window gives; none sees raw 16-bit or HU values."""
    can_adapt: bool = True
    """True where the decoder can be fine-tuned on a project's masks, see `prompts.adaptation`."""
    needs_checkpoint: bool = False
    """True where weights must be named; nothing is ever downloaded unless `load_predictor` is told that it may."""


def _sam(size: str, parameters: str) -> SegmenterInfo:
    """Describe one size of SAM."""
    return SegmenterInfo(
        name=f"sam_{size}",
        summary=f"SAM {size} ({parameters}) or a fine-tune of it, e.g. MedSAM, from a segment-anything .pth file",
        paper=_SAM_PAPER,
        licence=_SAM_LICENCE,
        pixels=_SAM_PIXELS,
        needs_checkpoint=True,
    )


SEGMENTERS: Mapping[str, SegmenterInfo] = MappingProxyType(
    {
        info.name: info
        for info in (
            SegmenterInfo(
                name="builtin",
                summary="small promptable model that ships with Fewclick; works offline on a CPU",
                paper="Wong et al. 2024, ScribblePrompt (arXiv:2312.07381), for prompts and training; our own network",
                licence="Apache-2.0",
                pixels="mean 0 and deviation 1 by the image's own; whole in 256 px, larger ones also in 512 and 1024",
            ),
            _sam("vit_b", "94 M parameters"),
            _sam("vit_l", "312 M parameters"),
            _sam("vit_h", "641 M parameters"),
            SegmenterInfo(
                name="mobile_sam",
                summary="MobileSAM (10 M parameters), some ten times faster to encode than vit_b, from mobile_sam.pt",
                paper="Zhang et al. 2023, Faster Segment Anything (arXiv:2306.14289)",
                licence="Apache-2.0 (the makers' own weights)",
                pixels=_SAM_PIXELS,
                needs_checkpoint=True,
            ),
            SegmenterInfo(
                name="huggingface",
                summary="huggingface:<hub name or folder>: SAM, SAM-HQ, SAM 2, EdgeTAM, SAM 3 tracker, by transformers",
                paper="as its model card says, e.g. SAM 2 (arXiv:2408.00714), SAM-HQ (arXiv:2306.01567)",
                licence="as its model card says",
                pixels="mean, deviation and side of its own files; padded for SAM and SAM-HQ, stretched for the others",
                can_adapt=False,
                needs_checkpoint=True,
            ),
        )
    }
)


def split_spec(spec: str) -> tuple[str, Path | None]:
    """Split "sam_vit_b:/path/file.pth" into its name and its weights file; the file is None where none is named."""
    name, colon, path = spec.partition(":")
    return name, Path(path) if colon and path else None


def load_predictor(
    name: str, *, checkpoint: Path | None = None, adaptation: Path | None = None, allow_download: bool = False
) -> Predictor:
    """Load a promptable model; slow, so callers keep what comes back.

    Args:
        name: a key of `SEGMENTERS`, or name and weights in one: "sam_vit_b:/path/file.pth", "huggingface:/folder".
        checkpoint: the weights file or folder, for models that need one; wins over one in `name`.
        adaptation: a decoder that was fine-tuned for this very model, see `prompts.adaptation`.
        allow_download: let "huggingface:<hub name>" fetch what this machine lacks.

    Raises:
        UnknownModel: there is no such model.
        CheckpointError: the weights file is missing, superfluous, broken or of another model.
    """
    model, path = split_spec(name)
    path = checkpoint if checkpoint is not None else path
    info = SEGMENTERS.get(model)
    if info is None:
        raise UnknownModel(f"unknown segmenter '{model}'; known: {', '.join(sorted(SEGMENTERS))}")
    if not info.needs_checkpoint:
        if path is not None:
            raise CheckpointError(
                f"segmenter '{model}' ships its own weights and takes no file; got '{path.name}'; leave it out"
            )
        from prompts.builtin.predictor import BuiltinPredictor

        return BuiltinPredictor(adaptation=adaptation)
    if path is None:
        if model == "huggingface":
            raise CheckpointError("segmenter 'huggingface' needs a model; write 'huggingface:<hub name or folder>'")
        listed = "ChaoningZhang/MobileSAM" if model == "mobile_sam" else "facebookresearch/segment-anything"
        raise CheckpointError(
            f"segmenter '{model}' needs a weights file, and none was named; write '{model}:/path/to/file.pth'. "
            f"Its makers list theirs at github.com/{listed}"
        )
    if model == "huggingface":
        from prompts.huggingface import load_huggingface

        if adaptation is not None:
            raise CheckpointError(NOT_ADAPTABLE)
        return load_huggingface(path.as_posix(), allow_download=allow_download)
    if model == "mobile_sam":
        from prompts.mobile_sam import load_mobile_sam

        return load_mobile_sam(path, adaptation=adaptation)
    from prompts.sam import load_sam

    return load_sam(path, size=model.removeprefix("sam_"), adaptation=adaptation)
