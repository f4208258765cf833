"""Which classes an image's predictions mix, class by class: the input of contextual diversity."""

import numpy as np
from jaxtyping import Float, Float32

from alcore.acquisition.probability import check_probabilities, raw_entropy
from alcore.errors import InvalidInput


def class_mixtures(probabilities: Float[np.ndarray, "..."]) -> Float32[np.ndarray, "*items c c"]:
    """Average the prediction over the pixels of each predicted class, weighted by their entropy.

    Args:
        probabilities: (..., h, w, c) class probabilities of each pixel.

    Returns:
        Row i is a distribution over classes, the mean prediction where class i is the most likely one; all zeros where
        it is nowhere. Pixels without any doubt weigh nothing, unless the class has no others: then all weigh the same.

    Raises:
        InvalidInput: fewer than three axes, or a pixel whose probabilities are no distribution.

    Source: Agarwal et al. 2020 (ECCV), class-specific confusion: Shannon entropy as a pixel's weight, classes by the
    model's own prediction. Pixels stand for the paper's regions. O(h·w·c²) an image; one image at a time in memory.
    """
    if probabilities.ndim < 3:
        raise InvalidInput(f"pixel probabilities must be (..., h, w, c); got {probabilities.shape}")
    check_probabilities(probabilities)
    n_classes = probabilities.shape[-1]
    images = probabilities.reshape(-1, probabilities.shape[-3] * probabilities.shape[-2], n_classes)
    out = np.zeros((len(images), n_classes, n_classes), dtype=np.float32)
    for image, mixture in zip(images, out, strict=True):
        pixels = image.astype(np.float32)
        member = (pixels.argmax(axis=1)[:, None] == np.arange(n_classes)).astype(np.float32)
        weight = raw_entropy(pixels)
        total = weight @ member
        weighted = member * np.where(total > 0, weight[:, None], 1)
        mass = weighted.sum(axis=0)[:, None]
        mixture[:] = weighted.T @ pixels / np.where(mass > 0, mass, 1)
    return out.reshape(*probabilities.shape[:-3], n_classes, n_classes)
