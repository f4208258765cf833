"""What is trained on when: a base that sees no set with masks, then the sets themselves."""

from collections.abc import Mapping
from types import MappingProxyType

BASE: Mapping[str, float] = MappingProxyType(
    {
        "worlds": 0.48,
        "vessels": 0.17,
        "pasted": 0.14,
        "cls_mednist": 0.03,
        "cls_us_breast_busi": 0.09,
        "cls_cxr_nih": 0.09,
    }
)
"""Shares of windows for the base: made-up objects, and superpixels of images without masks."""

SETS: Mapping[str, float] = MappingProxyType(
    {
        "nuclei_dsb2018": 0.09,
        "us_nerve_usgra": 0.11,
        "polyp_endotect": 0.11,
        "ct_liver_msd": 0.08,
        "fundus_chase": 0.02,
        "mri_hippocampus_3d": 0.04,
        "worlds": 0.40,
        "vessels": 0.02,
        "pasted": 0.05,
        "cls_mednist": 0.01,
        "cls_us_breast_busi": 0.035,
        "cls_cxr_nih": 0.035,
    }
)
"""Shares of windows for the models that ship or are measured on a set that they never saw."""

STAGES: Mapping[str, Mapping[str, float]] = MappingProxyType({"base": BASE, "sets": SETS})


def shares_of(stage: str, without: tuple[str, ...] = ()) -> dict[str, float]:
    """The shares of a stage with some sets left out entirely."""
    return {name: share for name, share in STAGES[stage].items() if name not in without}
