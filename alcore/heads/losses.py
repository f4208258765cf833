"""Loss of the segmentation head, on MONAI's Dice."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch.nn import functional

PixelLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""(logits (n, k, h, w), targets (n, h, w), weights (n, h, w)) to a scalar."""


def make_pixel_loss() -> PixelLoss:
    """Build the sum of weighted cross-entropy and weighted soft Dice.

    Importing MONAI takes seconds, so only training does it.

    Returns:
        A function of logits, targets and pixel weights; a pixel of weight 0 has no say.

    Source: cross-entropy plus soft Dice as in nnU-Net (Isensee et al. 2021, arXiv:1904.08128); Dice is
    `monai.losses.MaskedDiceLoss` over the foreground classes and the whole batch. Departure: predictions and targets
    enter Dice multiplied by the weights of METHODS' pseudo-mask pixels instead of by a binary mask.
    """
    from monai.losses import MaskedDiceLoss  # type: ignore[attr-defined]

    dice = MaskedDiceLoss(include_background=False, batch=True, smooth_nr=1.0, smooth_dr=1.0)

    def pixel_loss(
        logits: Float[torch.Tensor, "n k h w"],
        targets: Int[torch.Tensor, "n h w"],
        weights: Float[torch.Tensor, "n h w"],
    ) -> Float[torch.Tensor, ""]:
        log_p = functional.log_softmax(logits, dim=1)
        cross_entropy = functional.nll_loss(log_p, targets, reduction="none")
        one_hot = functional.one_hot(targets, logits.shape[1]).permute(0, 3, 1, 2).to(logits.dtype)
        total = weights.sum().clamp(min=1.0)
        return (cross_entropy * weights).sum() / total + dice(log_p.exp(), one_hot, weights.unsqueeze(1))

    return pixel_loss
