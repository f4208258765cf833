"""Draws the sample pool: fluorescence nuclei and speckled breast ultrasound, seeded, with exact ground truth.

Pure functions from a random generator to arrays; `app.demo` writes them to disk.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8, UInt16
from scipy import ndimage


@dataclass(frozen=True, kw_only=True)
class DrawnImage:
    """One drawn image, its label ids and one id per object."""

    name: str
    """File name with suffix; the part before `_` is the patient or the well."""
    pixels: Shaped[np.ndarray, "h w"]
    labels: UInt8[np.ndarray, "h w"]
    instances: UInt16[np.ndarray, "h w"]


NUCLEI_CLASSES = ("nucleus",)
LESION_CLASSES = ("mass", "cyst")


def draw_nuclei(n: int, *, seed: int) -> list[DrawnImage]:
    """Draw `n` fluorescence images, 16 bit, four fields a well: sparse to confluent, sharp to blurred."""
    images = []
    for i in range(n):
        well, field = divmod(i, 4)
        rng = np.random.default_rng([seed, 1, i])
        look = np.random.default_rng([seed, 2, well])  # one well shares stain, magnification and density
        pixels, instances = _nuclei_field(
            rng,
            shape=((256, 320), (300, 300), (240, 352))[int(look.integers(3))],
            n_nuclei=int(look.integers(4, 60) * rng.uniform(0.6, 1.4)) + 2,
            radius_px=float(look.uniform(7.0, 15.0)),
            blur_px=float(look.uniform(0.6, 1.2) + (1.6 if rng.random() < 0.15 else 0.0)),
            photons=float(np.exp(look.uniform(np.log(15), np.log(400)))),
        )
        suffix = "tif" if i % 3 == 2 else "png"
        labels = (instances > 0).astype(np.uint8)
        name = f"w{well + 1:02d}_f{field + 1}.{suffix}"
        images.append(DrawnImage(name=name, pixels=pixels, labels=labels, instances=instances))
    return images


def draw_lesions(n: int, *, seed: int) -> list[DrawnImage]:
    """Draw `n` ultrasound images, 8 bit, two views a patient; every tenth patient has no finding."""
    images = []
    for i in range(n):
        patient, view = divmod(i, 2)
        finding = 0 if patient % 10 == 9 else 1 + (patient * 7 + patient // 3) % 5 // 3  # 3 masses to 2 cysts
        pixels, mask = _breast_view(
            np.random.default_rng([seed, 3, i]), np.random.default_rng([seed, 4, patient]), finding=finding
        )
        labels = (mask * finding).astype(np.uint8)
        name = f"p{patient + 1:02d}_v{view + 1}.png"
        images.append(DrawnImage(name=name, pixels=pixels, labels=labels, instances=mask.astype(np.uint16)))
    return images


def _blob(
    rng: np.random.Generator,
    *,
    radii: tuple[float, float],
    roughness: float,
    centre: tuple[float, float],
    side: int,
    max_turn: float = np.pi / 2,
) -> Bool[np.ndarray, "side side"]:
    """Draw a filled closed curve: an ellipse whose radius wobbles by smooth harmonics; centre is (row, col)."""
    rows, cols = np.mgrid[:side, :side] + 0.5
    turn = rng.uniform(-max_turn, max_turn)
    dy, dx = rows - centre[0], cols - centre[1]
    u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    theta = np.arctan2(v / radii[0], u / radii[1])
    wobble = np.zeros_like(theta)
    for k in range(2, 8):
        wobble += rng.normal(0, roughness / k**0.8) * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
    return np.hypot(v / radii[0], u / radii[1]) < 1 + wobble


def _smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], sigma: float | tuple[float, float]
) -> Float[np.ndarray, "h w"]:
    """Gaussian random field of unit variance."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), sigma, mode="wrap")
    return field / field.std()


def _nuclei_field(
    rng: np.random.Generator, *, shape: tuple[int, int], n_nuclei: int, radius_px: float, blur_px: float, photons: float
) -> tuple[UInt16[np.ndarray, "h w"], UInt16[np.ndarray, "h w"]]:
    """One field of view: nuclei that touch at times, chromatin texture, haze, uneven light, shot and read noise."""
    height, width = shape
    instances = np.zeros(shape, np.uint16)
    light = np.zeros(shape)
    clumps = rng.uniform((0, 0), shape, (max(2, n_nuclei // 7), 2))
    for number in range(1, n_nuclei + 1):
        near = clumps[rng.integers(len(clumps))] + rng.normal(0, 3.2 * radius_px, 2)
        row, col = near if rng.random() < 0.6 else rng.uniform((0, 0), shape)
        row, col = np.clip(row, 2, height - 3), np.clip(col, 2, width - 3)
        size = radius_px * np.exp(rng.normal(0, 0.18))
        radii = (size * rng.uniform(0.72, 1.0), size * rng.uniform(1.0, 1.3))
        side = int(2 * np.ceil(1.6 * max(radii)) + 2)
        top, left = int(row) - side // 2, int(col) - side // 2
        blob = _blob(rng, radii=radii, roughness=0.05, centre=(row - top, col - left), side=side)
        bright = np.exp(rng.normal(0, 0.28)) * (2.2 if rng.random() < 0.04 else 1.0)  # a few in mitosis
        texture = 1 + 0.16 * _smooth_noise(rng, (side, side), max(1.0, size / 5))
        dome = np.clip(ndimage.distance_transform_edt(blob) / size, 0, 0.5) ** 0.35
        window = np.s_[max(top, 0) : min(top + side, height), max(left, 0) : min(left + side, width)]
        inner = np.s_[window[0].start - top : window[0].stop - top, window[1].start - left : window[1].stop - left]
        free = blob[inner] & (instances[window] == 0)
        if free.sum() < 0.6 * blob[inner].sum():
            continue  # hidden under its neighbours
        instances[window][free] = number
        light[window] += np.where(free, (bright * texture * dome)[inner], 0.0)
    sharp = ndimage.gaussian_filter(light, blur_px)
    haze = 0.22 * ndimage.gaussian_filter(light, 2.2 * radius_px) + 0.03 * (1 + 0.3 * _smooth_noise(rng, shape, 30))
    rows, cols = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    centre = rng.uniform(-0.5, 0.5, 2)
    vignette = 1 - rng.uniform(0.1, 0.35) * ((rows - centre[0]) ** 2 + (cols - centre[1]) ** 2) / 2
    counts = rng.poisson(np.clip((sharp + haze) * vignette * photons, 0, None)) / photons
    gain, offset = rng.uniform(1200, 9000), rng.uniform(90, 420)
    camera = offset + gain * counts + rng.normal(0, 0.012 * gain, shape)
    return np.clip(camera, 0, 65535).astype(np.uint16), instances


def _breast_view(
    rng: np.random.Generator, patient: np.random.Generator, *, finding: int
) -> tuple[UInt8[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """One view: skin, fat with septa, gland, muscle; a mass (shadow below) or a cyst (brighter below); fine speckle."""
    height, width = ((272, 336), (304, 304), (256, 352))[int(patient.integers(3))]
    depth = (np.arange(height) / height)[:, None]
    echo = _tissue_db(rng, patient, (height, width))

    size = patient.uniform(0.1, 0.19) * height
    radii = (size * patient.uniform(0.65, 1.0), size * patient.uniform(1.1, 1.6)) if finding else (size, size)
    centre = (rng.uniform(0.36, 0.6) * height, rng.uniform(0.28, 0.72) * width)
    side = max(height, width)
    rough = patient.uniform(0.08, 0.2) if finding == 1 else 0.035
    mask = _blob(rng, radii=radii, roughness=rough, centre=centre, side=side, max_turn=0.6)[:height, :width] & (
        finding > 0
    )

    below = np.maximum.accumulate(mask, axis=0) & ~mask
    edge = ndimage.gaussian_filter(mask.astype(float), 1.4 if finding == 2 else 2.6)
    if finding == 1:
        inside = patient.uniform(-18, -12) + 1.8 * _smooth_noise(rng, (height, width), 7)
        behind = patient.uniform(-9, -2)
        halo = ndimage.gaussian_filter(mask.astype(float), 7) * (1 - edge) * patient.uniform(3, 8)
    else:
        inside = np.full((height, width), patient.uniform(-30, -24))
        behind = patient.uniform(3, 6)
        halo = (ndimage.gaussian_gradient_magnitude(mask.astype(float), 1.2) * 6) * (1 - edge)
    echo = echo * (1 - edge) + inside * edge + halo
    echo += behind * ndimage.gaussian_filter(below.astype(float), (3, 5))

    speckle = _speckle(rng, patient, (height, width))
    gain = patient.uniform(-3, 3) - patient.uniform(2, 9) * np.clip(depth - 0.55, 0, None) / 0.45
    decibel = echo + speckle + gain
    floor, span = patient.uniform(-29, -25), patient.uniform(40, 46)
    noise = rng.normal(0, 1.2, (height, width))
    grey = np.clip((decibel - floor) / span, 0, 1) ** 1.25 * 255 + noise
    return np.clip(grey, 0, 255).astype(np.uint8), mask


def _tissue_db(
    rng: np.random.Generator, patient: np.random.Generator, shape: tuple[int, int]
) -> Float[np.ndarray, "h w"]:
    """Echo level in decibels of the layers of a breast, borders waving, muscle striped along the skin."""
    height, width = shape
    depth = (np.arange(height) / height)[:, None] * np.ones(shape)
    waves = [0.025 * _smooth_noise(rng, (1, width), (0.01, 28)) for _ in range(3)]
    skin, fat, gland = 0.035, patient.uniform(0.16, 0.26), patient.uniform(0.66, 0.8)
    fat_edge, gland_edge = fat + waves[0], gland + waves[1]
    patches = _smooth_noise(rng, shape, (6, 16))
    septa = 7 * np.exp(-((_smooth_noise(rng, shape, (5, 18)) / 0.10) ** 2))
    stripes = 6 * np.exp(-(((np.sin((depth + waves[2]) * patient.uniform(60, 90))) / 0.45) ** 2))
    fat_db = -11 + septa + 1.2 * patches
    gland_db = patient.uniform(-5, -1) + patient.uniform(1.5, 3.0) * patches - 5 * (patches < -1.1)
    muscle_db = -10 + stripes * (0.6 + 0.4 * patches.clip(-1, 1)) + 9 * np.exp(-(((depth - gland_edge) / 0.008) ** 2))
    levels = np.where(depth < fat_edge, fat_db, np.where(depth < gland_edge, gland_db, muscle_db))
    levels = np.where(depth < skin, 4.0, levels)
    return ndimage.gaussian_filter(levels, (1.2, 1.6))


def _speckle(
    rng: np.random.Generator, patient: np.random.Generator, shape: tuple[int, int]
) -> Float[np.ndarray, "h w"]:
    """Speckle in decibels: three envelopes of complex noise, compounded, under a beam that widens with depth."""
    axial = patient.uniform(0.9, 1.3)
    waves = rng.standard_normal((6, *shape), dtype=np.float32)
    narrow, wide = (ndimage.gaussian_filter(waves, (0, axial, lateral)) for lateral in (1.5, 3.2))
    mix = np.linspace(0, 1, shape[0])[:, None]
    beam = narrow / narrow.std() * np.sqrt(1 - mix) + wide / wide.std() * np.sqrt(mix)
    envelope = np.hypot(beam[:3], beam[3:])
    return 20 * np.log10(0.66 * envelope[0] + 0.17 * (envelope[1] + envelope[2]) + 0.02)
