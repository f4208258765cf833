"""Answers that are wrong on purpose, for the network to learn what corrections are for.

On the images that it learns from the network is soon nearly right after one prompt, so that a correction has little to
change. On images of a kind that it has never seen it may take the whole organ for a spot in it, and then has to give up
most of its last answer for one click. Such answers are made here from its own.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

SHIFTED_SHARE, SHIFT = 0.3, (-4.0, 6.0)
"""How often a threshold is wrong, and by how much logits are raised: more often too much is taken than too little."""
JOINED_SHARE, JOINED_LOGIT = 0.12, 4.0
"""How often another object is taken along, and how sure the wrong answer is of it."""


def mistaken(
    logits: Float[Tensor, "r h w"],
    rows: Int[Tensor, " r"],
    targets: Float[Tensor, "n h w"],
    generator: torch.Generator,
    *,
    objects_per_window: int,
) -> Float[Tensor, "r h w"]:
    """Spoil some answers: raise or lower the logits of one, or add to it another object of its window.

    Args:
        logits: the answers to some of the prompts.
        rows: whose answers they are, as indices into `targets`.
        targets: all objects of a batch, as covered shares; `objects_per_window` in a row belong to one window.
        generator: draws who errs and how.
        objects_per_window: how many objects of each window there are, two at least.
    """
    n = len(rows)
    kind = torch.rand(n, generator=generator)
    shift = SHIFT[0] + (SHIFT[1] - SHIFT[0]) * torch.rand(n, generator=generator)
    step = torch.randint(1, objects_per_window, (n,), generator=generator)
    first = rows - rows % objects_per_window
    other = targets[first + (rows + step) % objects_per_window]
    spoilt = logits + torch.where(kind < SHIFTED_SHARE, shift, 0.0)[:, None, None]
    is_joined = (kind >= SHIFTED_SHARE) & (kind < SHIFTED_SHARE + JOINED_SHARE)
    joined = torch.maximum(logits, (2 * other - 1) * JOINED_LOGIT)
    return torch.where(is_joined[:, None, None], joined, spoilt)
