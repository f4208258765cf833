"""Where large matrix products run: NumPy, or torch where the machine has a CUDA device."""

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np
from jaxtyping import Float32

Engine = Callable[[Float32[np.ndarray, "m d"], Float32[np.ndarray, "d k"]], Float32[np.ndarray, "m k"]]
"""Multiplies two float32 matrices in host memory."""

MIN_COLUMNS = 64
"""With fewer columns a block costs more to send to the device than to multiply at home."""


def multiply(
    left: Float32[np.ndarray, "m d"], right: Float32[np.ndarray, "d k"], *, engine: Engine | None = None
) -> Float32[np.ndarray, "m k"]:
    """Return `left @ right`, on the CUDA device where there is one and the product is worth the way."""
    if engine is not None:
        return engine(left, right)
    return left @ right if right.shape[1] < MIN_COLUMNS else best_engine()(left, right)


@cache
def best_engine() -> Engine:
    """Choose once a process; torch is imported only if the driver counts a device."""
    return torch_engine("cuda") if has_cuda() else np.matmul


def has_cuda() -> bool:
    """Ask the CUDA driver itself: importing torch to learn that there is no device would take seconds."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def torch_engine(device: str) -> Engine:
    """Multiply by torch on `device`, in full float32 so that the picks are those of NumPy, rounding aside."""
    import torch

    def run(left: Float32[np.ndarray, "m d"], right: Float32[np.ndarray, "d k"]) -> Float32[np.ndarray, "m k"]:
        on_device = [torch.tensor(array, device=device) for array in (left, right)]
        return np.asarray((on_device[0] @ on_device[1]).cpu().numpy())

    return run
