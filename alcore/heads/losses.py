"""Loss of the segmentation head."""

import torch
from jaxtyping import Float, Int
from torch.nn import functional

_SMOOTH = 1.0


def pixel_loss(
    logits: Float[torch.Tensor, "n k h w"],
    targets: Int[torch.Tensor, "n h w"],
    weights: Float[torch.Tensor, "n h w"],
) -> Float[torch.Tensor, ""]:
    """Sum of weighted cross-entropy and weighted soft Dice; a pixel of weight 0 has no say.

    Source: cross-entropy plus soft Dice as in nnU-Net (Isensee et al. 2021, arXiv:1904.08128).
    """
    log_p = functional.log_softmax(logits, dim=1)
    cross_entropy = functional.nll_loss(log_p, targets, reduction="none")
    one_hot = functional.one_hot(targets, logits.shape[1]).permute(0, 3, 1, 2).to(logits.dtype)
    total = weights.sum().clamp(min=1.0)
    return (cross_entropy * weights).sum() / total + soft_dice_loss(log_p.exp(), one_hot, weights.unsqueeze(1))


def soft_dice_loss(
    probabilities: Float[torch.Tensor, "n k h w"],
    targets: Float[torch.Tensor, "n k h w"],
    weights: Float[torch.Tensor, "n 1 h w"],
) -> Float[torch.Tensor, ""]:
    """Return 1 less the soft Dice of the whole batch, mean over the foreground classes.

    Source: Milletari, Navab & Ahmadi 2016 (arXiv:1606.04797), with the denominator of `monai.losses.MaskedDiceLoss`. A
    test compares the two; the library itself is left out because importing it takes a tenth of a round. Departure:
    predictions and targets are multiplied by any weights >= 0, not only by a binary mask.
    """
    predicted, wanted = probabilities[:, 1:] * weights, targets[:, 1:] * weights
    overlap = (predicted * wanted).sum((0, 2, 3))
    size = predicted.sum((0, 2, 3)) + wanted.sum((0, 2, 3))
    return (1 - (2 * overlap + _SMOOTH) / (size + _SMOOTH)).mean()
