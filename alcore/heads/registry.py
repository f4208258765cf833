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
                name="linear",
                task="classification",
                summary="bootstrap committee of linear layers on embeddings, temperature scaled",
                paper="Abe & Mamitsuka 1998; Guo et al. 2017 (arXiv:1706.04599)",
            ),
            HeadInfo(
                name="mlp",
                task="classification",
                summary="the same with one hidden layer of 128 units, for larger label sets",
                paper="Abe & Mamitsuka 1998; Guo et al. 2017 (arXiv:1706.04599)",
            ),
        )
    }
)

DEFAULT_HEADS: Mapping[str, str] = MappingProxyType({"segmentation": "decoder", "classification": "linear"})
"""Which head `default` means, by task."""


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
        raise UnknownName.of("head", name, ["default", *HEADS])
    info = HEADS[name]
    if info.task != task:
        allowed = ", ".join(sorted(head.name for head in HEADS.values() if head.task == task))
        raise InvalidInput(f"head {name!r} is for {info.task}; a {task} project takes: default, {allowed}")
    return info
