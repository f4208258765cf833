"""Synthetic training images: one module per world, each a picture and its label maps from a random state."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int, UInt8

from prompts.builtin.training.worlds.blobs import blobs
from prompts.builtin.training.worlds.cells import cells
from prompts.builtin.training.worlds.heads import heads
from prompts.builtin.training.worlds.imaging import finish
from prompts.builtin.training.worlds.label_worlds import label_worlds
from prompts.builtin.training.worlds.layers import layers
from prompts.builtin.training.worlds.objects import tidy
from prompts.builtin.training.worlds.organs import organs
from prompts.builtin.training.worlds.pasting import pasted
from prompts.builtin.training.worlds.projection import projection
from prompts.builtin.training.worlds.skin import surfaces
from prompts.builtin.training.worlds.tools import World
from prompts.builtin.training.worlds.ultrasound import ultrasound
from prompts.builtin.training.worlds.vessels import vessels

__all__ = ["SHARES", "WORLDS", "draw", "draw_world", "pasted", "tidy"]

WORLDS: Mapping[str, World] = {
    "blobs": blobs,
    "label_worlds": label_worlds,
    "organs": organs,
    "projection": projection,
    "ultrasound": ultrasound,
    "vessels": vessels,
    "cells": cells,
    "surfaces": surfaces,
    "layers": layers,
    "heads": heads,
}
SHARES = {
    "blobs": 0.07,
    "label_worlds": 0.13,
    "organs": 0.14,
    "projection": 0.20,
    "ultrasound": 0.09,
    "vessels": 0.04,
    "cells": 0.08,
    "surfaces": 0.08,
    "layers": 0.05,
    "heads": 0.12,
}
SEED = 20_260


def draw(index: int) -> tuple[str, UInt8[np.ndarray, "h w 3"], list[Int[np.ndarray, "h w"]]]:
    """Draw picture number `index`: its world's name, 8-bit RGB and label maps (int16, 0 = none), none of them empty."""
    rng = np.random.default_rng([index, SEED])
    names = list(WORLDS)
    shares = np.array([SHARES[name] for name in names])
    name = names[rng.choice(len(names), p=shares / shares.sum())]
    pixels, maps = draw_world(name, rng)
    return name, pixels, maps


def draw_world(name: str, rng: np.random.Generator) -> tuple[UInt8[np.ndarray, "h w 3"], list[Int[np.ndarray, "h w"]]]:
    """Draw one picture of a world; draw again until something can be seen in it."""
    while True:
        image, maps = WORLDS[name](rng)
        pixels = finish(rng, image)
        kept = [tidied for labels in maps if (tidied := tidy(pixels, labels)) is not None]
        if kept:
            return pixels, kept
