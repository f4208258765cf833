"""What is done to the network's logits before they become masks."""

import numpy as np
from jaxtyping import Float

SURE_LOGIT = 1.0
"""Logit that a clicked place gets at least, with the click's sign."""
SIGMA_CELLS = 1.5
REACH_CELLS = 6


def honour_clicks(logits: Float[np.ndarray, "m h w"], clicks: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, "m h w"]:
    """Keep every foreground click inside each mask and every background click outside, whatever the network says.

    Where a click is on the wrong side, or less than `SURE_LOGIT` on the right one, a narrow Gaussian is added at it.

    Args:
        logits: m masks over one window.
        clicks: x, y in cells of the window and label 1 or 0; those outside the window are passed over. Of clicks on one
            spot the last one counts.

    Returns:
        New logits.
    """
    out = logits.copy()
    height, width = logits.shape[1:]
    for x, y, label in clicks:
        if not (0 <= x < width and 0 <= y < height):
            continue
        sign = 1.0 if label == 1 else -1.0
        row, col = int(y), int(x)
        rows = slice(max(0, row - REACH_CELLS), min(height, row + REACH_CELLS + 1))
        cols = slice(max(0, col - REACH_CELLS), min(width, col + REACH_CELLS + 1))
        around = out[:, max(0, row - 1) : row + 2, max(0, col - 1) : col + 2]
        # The pixel that was clicked is read between the centres of neighbouring cells: the worst of them must do.
        short = SURE_LOGIT - (sign * around).min((1, 2))
        ys, xs = np.ogrid[rows, cols]
        # Flat over the neighbours, falling from there on.
        beyond = np.maximum((ys - row) ** 2 + (xs - col) ** 2 - 2.0, 0.0)
        bump = np.exp(-beyond / (2 * SIGMA_CELLS**2)).astype(np.float32)
        out[:, rows, cols] += (sign * np.maximum(short, 0.0)).astype(np.float32)[:, None, None] * bump
    return out


def never_empty(logits: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Raise logits that are negative everywhere, so that what is at least half as likely as the best cell is kept.

    Objects of a few cells can stay below probability one half; whoever points at one is better served by a small mask
    (with its low predicted IoU) than by none.
    """
    top = float(logits.max())
    if top > 0:
        return logits
    half = 0.5 / (1.0 + np.exp(-top))
    return logits - np.float32(np.log(half / (1.0 - half)))


def candidates(logits: Float[np.ndarray, "4 h w"], iou: Float[np.ndarray, "4"]) -> list[int]:
    """Choose three of four outputs: the single answer, then the two candidates most unlike it, best first."""
    masks = logits > 0
    overlap = (masks[1:] & masks[0]).sum((1, 2)) / np.maximum((masks[1:] | masks[0]).sum((1, 2)), 1)
    others = np.delete(np.arange(1, len(masks)), overlap.argmax())
    return [0, *sorted(others.tolist(), key=lambda i: -float(iou[i]))]
