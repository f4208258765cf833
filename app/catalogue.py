"""The models from outside that are known here: where each comes from, what it is called, under which terms.

Checksums are those that several independent projects check the same file against; the digits in Meta's file names are
the start of an MD5 sum, not of these. Sizes and checksums that could not be verified are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal

_APACHE, _MIT = "Apache-2.0", "MIT"
_CARD = "see its model card"
_META = "https://dl.fbaipublicfiles.com/segment_anything"


Kind = Literal["segmenter", "encoder"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """One model that can be pulled: a file at `url`, or the safetensors of the hub repository `hub`."""

    name: str
    kind: Kind
    family: str
    prefix: str
    """What stands before the path in a spec, such as "sam_vit_b" or "huggingface"."""
    licence: str
    side_px: int
    """Side of the square that the model sees."""
    url: str | None = None
    hub: str | None = None
    hub_file: str | None = None
    """One file of the repository instead of all safetensors."""
    n_bytes: int | None = None
    sha256: str | None = None
    note: str = ""

    @property
    def file_name(self) -> str | None:
        """Name of the one file to keep; None where it is a folder."""
        return self.hub_file if self.url is None else self.url.rpartition("/")[2]

    @property
    def where(self) -> str:
        """Address or hub repository."""
        return self.url or f"hub:{self.hub}"

    def path_in(self, folder: Path) -> Path:
        """Where the model lies once it is here."""
        return folder / self.name / self.file_name if self.file_name else folder / self.name

    def is_in(self, folder: Path) -> bool:
        """Whether it is here, whole: downloads bear other names until they are checked."""
        path = self.path_in(folder)
        return path.is_file() if self.file_name else (path / "config.json").is_file()

    def spec_in(self, folder: Path) -> str:
        """How to name it as segmenter or encoder once it is here."""
        return f"{self.prefix}:{self.path_in(folder)}"


def _sam(size: str, digits: str, n_bytes: int, sha256: str) -> Source:
    """One of Meta's three files."""
    return Source(
        name=f"sam_{size}", kind="segmenter", family="SAM", prefix=f"sam_{size}", licence=_APACHE, side_px=1024,
        url=f"{_META}/sam_{size}_{digits}.pth", n_bytes=n_bytes, sha256=sha256,
    )  # fmt: skip


def _of_transformers(
    kind: Kind, name: str, family: str, hub: str, licence: str = _APACHE, *, side_px: int, note: str = ""
) -> Source:
    """A model of the hub, in the format of transformers."""
    return Source(
        name=name, kind=kind, family=family, prefix="huggingface", licence=licence, side_px=side_px, hub=hub, note=note
    )


_promptable = partial(_of_transformers, "segmenter", side_px=1024)
_encoder = partial(_of_transformers, "encoder", side_px=224)
_GATED = "accept its terms on the hub and log in with `hf auth login` first"
_DINOV3 = "DINOv3 License"

SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        source.name: source
        for source in (
            _sam("vit_b", "01ec64", 375_042_383, "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912"),
            _sam("vit_l", "0b3195", 1_249_524_607, "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622"),
            _sam("vit_h", "4b8939", 2_564_550_879, "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e"),
            Source(
                name="medsam",
                kind="segmenter",
                family="SAM",
                prefix="sam_vit_b",
                licence=_CARD,
                side_px=1024,
                url="https://zenodo.org/records/10689643/files/medsam_vit_b.pth",
                note="trained on boxes alone",
            ),
            Source(
                name="mobile_sam",
                kind="segmenter",
                family="MobileSAM",
                prefix="mobile_sam",
                licence=_APACHE,
                side_px=1024,
                url="https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt",
                n_bytes=40_728_226,
                sha256="6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
            ),
            _promptable("sam_hq_vit_b", "SAM-HQ", "syscv-community/sam-hq-vit-base", _CARD),
            _promptable("sam2.1_tiny", "SAM 2.1", "facebook/sam2.1-hiera-tiny"),
            _promptable("sam2.1_small", "SAM 2.1", "facebook/sam2.1-hiera-small"),
            _promptable("sam2.1_base_plus", "SAM 2.1", "facebook/sam2.1-hiera-base-plus"),
            _promptable("sam2.1_large", "SAM 2.1", "facebook/sam2.1-hiera-large"),
            _promptable("edgetam", "EdgeTAM", "yonigozlan/EdgeTAM-hf"),
            _encoder("dinov2_small", "DINOv2", "facebook/dinov2-small", _APACHE),
            _encoder("dinov2_base", "DINOv2", "facebook/dinov2-base", _APACHE),
            _encoder("dinov2_large", "DINOv2", "facebook/dinov2-large", _APACHE),
            _encoder("dinov3_vits16", "DINOv3", "facebook/dinov3-vits16-pretrain-lvd1689m", _DINOV3, note=_GATED),
            _encoder("dinov3_vitb16", "DINOv3", "facebook/dinov3-vitb16-pretrain-lvd1689m", _DINOV3, note=_GATED),
            _encoder(
                "dinov3_convnext_tiny",
                "DINOv3",
                "facebook/dinov3-convnext-tiny-pretrain-lvd1689m",
                _DINOV3,
                note=_GATED,
            ),
            _encoder(
                "rad_dino",
                "RAD-DINO",
                "microsoft/rad-dino",
                _CARD,
                side_px=518,
                note="chest X-rays; for research alone",
            ),
            _encoder("phikon", "Phikon", "owkin/phikon", _CARD, note="histology"),
            _encoder("siglip2_base", "SigLIP 2", "google/siglip2-base-patch16-224", _APACHE),
            Source(
                name="biomedclip",
                kind="encoder",
                family="BiomedCLIP",
                prefix="timm:vit_base_patch16_224",
                licence=_MIT,
                side_px=224,
                hub="microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
                hub_file="open_clip_pytorch_model.bin",
            ),
            Source(
                name="resnet50",
                kind="encoder",
                family="ResNet",
                prefix="timm:resnet50",
                licence=_APACHE,
                side_px=224,
                hub="timm/resnet50.a1_in1k",
                hub_file="model.safetensors",
            ),
        )
    }
)
"""Models by the name that `fewclick models pull` takes."""


def of_hub(repository: str) -> Source:
    """A repository of the hub that has no name here, in the format of transformers.

    Args:
        repository: owner and name, such as "facebook/sam2-hiera-tiny".
    """
    return _of_transformers("encoder", repository.replace("/", "--"), "-", repository, _CARD, side_px=0)


def unnamed_in(folder: Path) -> list[Path]:
    """Folders of models that were pulled by repository."""
    return sorted(config.parent for config in folder.glob("*--*/config.json"))
