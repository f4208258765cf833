"""Heads by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from alcore.errors import InvalidInput, UnknownName

Task = Literal["segmentation", "classification"]


@dataclass(frozen=True, kw_only=True)
class HeadInfo:
    """One line about a head, for lists that people read."""

    name: str
    task: Task
    summary: str
    paper: str
    is_cheap: bool = False
    """Trains in about a second on some dozen labels, so that `auto` may try it."""


HEADS: Mapping[str, HeadInfo] = MappingProxyType(
    {
        info.name: info
        for info in (
            HeadInfo(
                name="decoder",
                task="segmentation",
                summary="committee of small U-Net decoders on frozen dense features and a shallow image stem",
                paper="Ronneberger et al. 2015 (arXiv:1505.04597); deep ensembles (arXiv:1612.01474)",
            ),
            HeadInfo(
                name="dense_linear",
                task="segmentation",
                summary="committee of pixelwise logistic regressions on frozen dense features and a few image channels",
                paper="Berg et al. 2019, ilastik (doi:10.1038/s41592-019-0582-9), on frozen features",
                is_cheap=True,
            ),
            HeadInfo(
                name="dense_prototype",
                task="segmentation",
                summary="nearest class prototypes of frozen dense features by cosine: for the first few images",
                paper="Wang et al. 2019, PANet (arXiv:1908.06391); Yang et al. 2020 (arXiv:2008.03898)",
                is_cheap=True,
            ),
            HeadInfo(
                name="unet",
                task="segmentation",
                summary="MONAI's residual U-Net on the image alone: the baseline without a foundation model",
                paper="Ronneberger et al. 2015 (arXiv:1505.04597); MONAI (arXiv:2211.02701)",
            ),
            HeadInfo(
                name="prototype",
                task="classification",
                summary="nearest class mean by cosine, a bootstrap committee, temperature scaled: for the first labels",
                paper="Snell et al. 2017 (arXiv:1703.05175); Mensink et al. 2013 (doi:10.1109/TPAMI.2013.83)",
                is_cheap=True,
            ),
            HeadInfo(
                name="linear",
                task="classification",
                summary="bootstrap committee of linear layers on embeddings, temperature scaled",
                paper="Abe & Mamitsuka 1998; Guo et al. 2017 (arXiv:1706.04599)",
                is_cheap=True,
            ),
            HeadInfo(
                name="mlp",
                task="classification",
                summary="the same with one hidden layer of 128 units, for larger label sets",
                paper="Abe & Mamitsuka 1998; Guo et al. 2017 (arXiv:1706.04599)",
            ),
            HeadInfo(
                name="knn",
                task="classification",
                summary="votes of the nearest labeled embeddings, softened by their cosine; a committee by bootstrap",
                paper="Wu et al. 2018 (arXiv:1805.01978)",
                is_cheap=True,
            ),
        )
    }
)

DEFAULT_HEADS: Mapping[str, str] = MappingProxyType({"segmentation": "decoder", "classification": "linear"})
"""Which head `default` means, by task, where a single one is asked for."""
DEFAULT_CANDIDATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"segmentation": ("decoder", "dense_linear"), "classification": ("prototype", "linear")}
)
"""`default` takes the better of these out of fold: two that are each ahead on some sets in segmentation (see
benchmarks/README.md), two that are linear in the embedding, as some strategies need, in classification."""
AUTO = "auto"
"""Stands for the cheap head with the best out-of-fold score while labels are few, and for the default afterwards."""
FEW_LABELS = 60
"""From here on `auto` means what `default` does."""


def resolve_head(name: str, task: str) -> HeadInfo:
    """Look up a head for a task.

    Args:
        name: a name in `HEADS`, or `default`.
        task: `segmentation` or `classification`.

    Returns:
        The entry.

    Raises:
        UnknownName: no such head or task.
        InvalidInput: the head is for the other task.
    """
    if task not in DEFAULT_HEADS:
        raise UnknownName.of("task", task, DEFAULT_HEADS)
    if name == "default":
        name = DEFAULT_HEADS[task]
    if name not in HEADS:
        raise UnknownName.of("head", name, ["default", AUTO, *HEADS])
    info = HEADS[name]
    if info.task != task:
        allowed = ", ".join(sorted(head.name for head in HEADS.values() if head.task == task))
        raise InvalidInput(f"head {name!r} is for {info.task}; a {task} project takes: default, {AUTO}, {allowed}")
    return info


def candidates(name: str, task: str, n_labeled: int) -> tuple[str, ...]:
    """Name the heads that are to be tried.

    Args:
        name: a name in `HEADS`, `default`, or `auto`.
        task: `segmentation` or `classification`.
        n_labeled: labeled items.

    Returns:
        One name; for `default` the two `DEFAULT_CANDIDATES` of the task, and for `auto` and fewer than `FEW_LABELS`
        labels every cheap head of it, in the order of `HEADS`: the first is taken where nothing can be measured, and
        the earlier of equals.

    Raises:
        UnknownName: no such head or task.
        InvalidInput: the head is for the other task.
    """
    resolve_head("default", task)  # refuses unknown tasks
    if name == "default" or (name == AUTO and n_labeled >= FEW_LABELS):
        return DEFAULT_CANDIDATES[task]
    if name != AUTO:
        return (resolve_head(name, task).name,)
    return tuple(info.name for info in HEADS.values() if info.task == task and info.is_cheap)


def best_of(scores: Mapping[str, float]) -> str:
    """Take the head with the highest score, the earlier one of equals; one without a score (NaN) comes last."""
    return max(scores, key=lambda name: -1.0 if scores[name] != scores[name] else scores[name])
