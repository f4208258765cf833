"""What all worlds draw with: frames, noise of any grain, textures, shapes, soft painting."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int
from PIL import Image, ImageDraw
from scipy import ndimage

Rng = np.random.Generator
Size = tuple[int, int]
Number = float | int
Plane = Float[np.ndarray, "h w"]
Picture = Float[np.ndarray, "h w *channels"]
Mask = Bool[np.ndarray, "h w"]
Labels = Int[np.ndarray, "h w"]
Points = Float[np.ndarray, "n 2"]
"""Corner points as (row, col)."""
Scene = tuple[Picture, list[Labels]]
"""An image in about [0, 1] and its label maps."""
World = Callable[[Rng], Scene]


def frame(rng: Rng) -> Size:
    """Choose height and width: mostly 256 x 256."""
    if rng.random() < 0.65:
        return 256, 256
    h, w = rng.integers(192, 321, 2)
    return int(h), int(w)


def log_uniform(rng: Rng, low: Number, high: Number) -> float:
    """Draw from [low, high] evenly on the log scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def resize(plane: Float[np.ndarray, "a b"], size: Size) -> Plane:
    """Scale a plane smoothly to height x width."""
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize(size[::-1], Image.Resampling.BICUBIC))


def smooth(rng: Rng, size: Size, grain_px: Number) -> Plane:
    """Draw noise whose spots are about `grain_px` wide, mean 0 and deviation 1; drawn small and scaled up."""
    step = max(1.0, grain_px / 2.5)
    small = [max(4, int(np.ceil(n / step)) + 2) for n in size]
    field = rng.standard_normal(small, dtype=np.float32)
    if grain_px > 1:
        field = ndimage.gaussian_filter(field, 0.4 * grain_px / step, mode="wrap", truncate=3)
    if step > 1:
        field = resize(field, size)
    field = field[: size[0], : size[1]]
    return (field - field.mean()) / (field.std() + 1e-6)


def fractal(rng: Rng, size: Size, grain_px: Number, fade: Number = 0.6) -> Plane:
    """Add noise of up to six halving grains, coarse to fine, each drawn at its own size; deviation 1."""
    level = int(np.clip(np.log2(grain_px / 2.5), 0, 6))
    weight, step = 1.0, grain_px / 2.5 / 2**level
    whole = (int(size[0] / step) + 2, int(size[1] / step) + 2)
    field = np.zeros((4, 4), np.float32)
    while level >= 0 and weight > 0.06:
        small = (max(4, (whole[0] >> level) + 1), max(4, (whole[1] >> level) + 1))
        grains = ndimage.gaussian_filter(rng.standard_normal(small, dtype=np.float32), 0.8, mode="wrap", truncate=2.5)
        field = resize(field, small) + weight * grains
        level, weight = level - 1, weight * fade
    field = resize(field, size)
    return (field - field.mean()) / (field.std() + 1e-6)


def stripes(rng: Rng, size: Size, period_px: Number) -> Plane:
    """Draw wavy parallel stripes."""
    rows, cols = np.mgrid[: size[0], : size[1]].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    phase = (rows * np.sin(angle) + cols * np.cos(angle)) / period_px
    return np.sqrt(2) * np.sin(2 * np.pi * (phase + rng.uniform(0, 0.8) * smooth(rng, size, 6 * period_px)))


def threads(rng: Rng, size: Size, grain_px: Number) -> Plane:
    """Draw a net of thin bright ridges (the zero lines of a noise)."""
    field = np.exp(-((4 * smooth(rng, size, grain_px)) ** 2))
    return (field - field.mean()) / (field.std() + 1e-6)


def texture(rng: Rng, size: Size) -> Plane:
    """Draw a ground of one of many kinds; mean about 0, deviation 1."""
    kind = rng.choice(7, p=[0.3, 0.25, 0.15, 0.08, 0.08, 0.08, 0.06])
    if kind == 0:
        return fractal(rng, size, log_uniform(rng, 6, 100), rng.uniform(0.3, 0.9))
    if kind == 1:
        return smooth(rng, size, log_uniform(rng, 1, 16))
    if kind == 2:
        return smooth(rng, size, log_uniform(rng, 20, 150))
    if kind == 3:
        return stripes(rng, size, log_uniform(rng, 4, 28))
    if kind == 4:
        return threads(rng, size, log_uniform(rng, 8, 40))
    if kind == 5:  # dots or pores
        dots = np.maximum(smooth(rng, size, log_uniform(rng, 2, 12)) - rng.uniform(0.8, 2), 0) * rng.choice([-1.0, 1.0])
        return ((dots - dots.mean()) / (dots.std() + 1e-6)).astype(np.float32)
    steps = np.round(fractal(rng, size, log_uniform(rng, 20, 80)) * rng.uniform(0.6, 2))  # plates with sharp borders
    return (steps - steps.mean()) / (steps.std() + 1e-6)


def blur(picture: Picture, sigma: Number) -> Picture:
    """Blur rows and columns (not channels)."""
    if sigma < 0.2:
        return picture
    if sigma > 4 and picture.ndim == 2:  # wide: at a smaller size
        shrink = int(sigma / 2)
        h, w = picture.shape
        small = resize(picture, (max(2, h // shrink), max(2, w // shrink)))
        return resize(ndimage.gaussian_filter(small, sigma / shrink, mode="nearest", truncate=3), (h, w))
    return ndimage.gaussian_filter(picture, (sigma, sigma) + (0,) * (picture.ndim - 2), mode="nearest", truncate=3)


def colour(rng: Rng, plane: Plane, dark: Float[np.ndarray, "3"], bright: Float[np.ndarray, "3"]) -> Picture:
    """Turn a plane in [0, 1] into a run between two colours, a little bent per channel."""
    bend = np.exp(rng.uniform(-0.3, 0.3, 3)).astype(np.float32)
    run = np.clip(plane, 0, 1)[..., None] ** bend
    return (dark + (bright - dark) * run).astype(np.float32)


def outline(
    rng: Rng, centre: tuple[float, float], radius: Number, *, wobble: Number = 0.3, squeeze: Number = 0.4, n: int = 72
) -> Points:
    """Draw a closed curve around `centre`: low waves on an ellipse, turned at random."""
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    radii = np.ones(n)
    for k in range(2, 7):
        radii += rng.uniform(0, 2 * wobble / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
    radii = radius * np.maximum(radii, 0.25)
    narrow, turn = rng.uniform(squeeze, 1), rng.uniform(0, np.pi)
    y, x = radii * np.sin(angles), radii * np.cos(angles) * narrow
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([centre[0] + y * c + x * s, centre[1] - y * s + x * c], axis=1)


def scaled(points: Points, factor: Number, shift: tuple[float, float] = (0.0, 0.0)) -> Points:
    """Shrink or grow a curve about its centre, then move it."""
    centre = points.mean(0)
    return centre + factor * (points - centre) + np.asarray(shift)


def inside(rng: Rng, points: Points, reach: Number = 0.7) -> tuple[float, float]:
    """Draw a place within a closed curve."""
    corner = points[int(rng.integers(len(points)))]
    row, col = points.mean(0) + rng.uniform(0, reach) * (corner - points.mean(0))
    return float(row), float(col)


def anywhere(rng: Rng, size: Size, margin: Number = 0.05) -> tuple[float, float]:
    """Draw a place in the frame."""
    row, col = rng.uniform(margin, 1 - margin, 2)
    return float(row * size[0]), float(col * size[1])


def fill(size: Size, *curves: Points) -> Labels:
    """Fill closed curves; curve k gets the label k, later ones lie over earlier ones."""
    image = Image.new("I", size[::-1])
    draw = ImageDraw.Draw(image)
    for label, points in enumerate(curves, start=1):
        draw.polygon([(float(c), float(r)) for r, c in points], fill=label)
    return np.asarray(image).astype(np.int16)


def stroke(size: Size, points: Points, widths_px: Float[np.ndarray, " n"]) -> Plane:
    """Draw a polyline of varying width with smooth borders; values are the covered part of each pixel."""
    image = Image.new("L", (2 * size[1], 2 * size[0]))
    draw = ImageDraw.Draw(image)
    stroke_onto(draw, points, widths_px)
    return np.asarray(image.reduce(2), dtype=np.float32) / 255


def stroke_onto(draw: ImageDraw.ImageDraw, points: Points, widths_px: Float[np.ndarray, " n"], fill: int = 255) -> None:
    """Draw a polyline onto an image of twice the frame's size."""
    xy = [(2 * float(c), 2 * float(r)) for r, c in points]
    for start, end, width in zip(xy, xy[1:], widths_px, strict=False):
        draw.line([start, end], fill=fill, width=max(1, round(2 * float(width))))
        if width > 1.5:
            draw.circle(end, float(width), fill=fill)


def walk(rng: Rng, start: tuple[float, float], angle: Number, n: int, step_px: Number, bend: Number) -> Points:
    """Draw a winding path."""
    turns = np.cumsum(bend * rng.standard_normal(n) + 0.3 * bend * rng.standard_normal())
    angles = angle + turns - turns[0]
    return np.asarray(start) + np.cumsum(step_px * np.stack([np.sin(angles), np.cos(angles)], axis=1), axis=0)


def thing(rng: Rng, size: Size, radius: Number) -> Mask:
    """Draw one object of about the given radius: closed curve, polygon, band, crescent, ring or cluster of lobes."""
    centre = anywhere(rng, size)
    kind = rng.choice(6, p=[0.6, 0.08, 0.1, 0.08, 0.06, 0.08])
    body = outline(rng, centre, radius, wobble=rng.uniform(0, 0.35), squeeze=rng.uniform(0.3, 0.9))
    if kind == 1:
        body = body[:: int(rng.integers(10, 25))]
    elif kind == 2:
        path = walk(rng, centre, rng.uniform(0, 6.3), 24, radius / 7, rng.uniform(0, 0.25))
        waves = np.interp(np.arange(24), [0, 8, 16, 23], rng.uniform(0.15, 0.6, 4))
        return stroke(size, path, radius * waves) > 0.5
    mask = fill(size, body) > 0
    if kind == 3:
        cut = scaled(body, rng.uniform(0.7, 1), (rng.uniform(-0.7, 0.7) * radius, rng.uniform(0.3, 0.8) * radius))
        mask &= fill(size, cut) == 0
    elif kind == 4:
        mask &= fill(size, scaled(body, rng.uniform(0.4, 0.8))) == 0
    elif kind == 5:
        lobes = [outline(rng, inside(rng, body, 1.0), radius * rng.uniform(0.3, 0.6)) for _ in range(5)]
        mask |= fill(size, *lobes) > 0
    return mask


def soften(mask: Bool[np.ndarray, "h w"] | Plane, sigma: Number) -> Plane:
    """Blur the border of a mask."""
    return blur(mask.astype(np.float32), sigma)


def paint(image: Picture, mask: Mask, value: object, sigma: Number, opacity: Number = 1.0) -> None:
    """Blend a value (number, colour or picture) into the image where the mask is, with a soft border, in place."""
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return
    pad = int(3 * sigma) + 2
    part = (slice(max(0, rows[0] - pad), rows[-1] + pad + 1), slice(max(0, cols[0] - pad), cols[-1] + pad + 1))
    alpha = opacity * soften(mask[part], sigma)
    paint_value = np.asarray(value, np.float32)
    if paint_value.ndim >= 2:
        paint_value = paint_value[part]
    if image.ndim == 3:
        alpha = alpha[..., None]
        paint_value = paint_value[..., None] if paint_value.ndim == 2 else paint_value
    image[part] += alpha * (paint_value - image[part])


def warp(rng: Rng, planes: list[np.ndarray], shift_px: Number, grain_px: Number) -> list[np.ndarray]:
    """Bend pictures and label maps together; integer arrays take the nearest value."""
    size: Size = (planes[0].shape[0], planes[0].shape[1])
    rows, cols = np.mgrid[: size[0], : size[1]].astype(np.float32)
    at = np.stack([rows + shift_px * smooth(rng, size, grain_px), cols + shift_px * smooth(rng, size, grain_px)])
    return [sample(plane, at) for plane in planes]


def sample(plane: np.ndarray, at: Float[np.ndarray, "2 a b"]) -> np.ndarray:
    """Read an array at fractional places: linear for floats, nearest for integers."""
    if plane.ndim == 3:
        return np.stack([sample(plane[..., c], at) for c in range(plane.shape[2])], axis=-1)
    order = 1 if plane.dtype.kind == "f" else 0
    return ndimage.map_coordinates(plane, at, order=order, mode="nearest", output=plane.dtype)
