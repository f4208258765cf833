"""Decoded images in memory, bounded, and what is made of them for the eye."""

import io
import threading
from collections import OrderedDict

import numpy as np
from PIL import Image

from alcore.formats.raster import read_image
from alcore.formats.window import to_rgb
from alcore.types import MedicalImage, Window
from app.store.database import Row
from app.store.files import BlobStore

THUMBNAIL_PX = 128


class ImageCache:
    """Least recently used decoded images within a budget of bytes. Safe to share between threads."""

    def __init__(self, blobs: BlobStore, *, max_bytes: int) -> None:
        self._blobs, self._max_bytes = blobs, max_bytes
        self._images: OrderedDict[str, MedicalImage] = OrderedDict()
        self._n_bytes = 0
        self._lock = threading.Lock()

    def get(self, item: Row) -> MedicalImage:
        """The raw image of an item row."""
        key = str(item["content_hash"])
        with self._lock:
            if key in self._images:
                self._images.move_to_end(key)
                return self._images[key]
        image = read_image(self._blobs.path(key, item["suffix"]))
        with self._lock:
            if key not in self._images and image.pixels.nbytes <= self._max_bytes:
                self._images[key] = image
                self._n_bytes += image.pixels.nbytes
                while self._n_bytes > self._max_bytes:
                    _, dropped = self._images.popitem(last=False)
                    self._n_bytes -= dropped.pixels.nbytes
        return image


def window_of(item: Row) -> Window:
    """The window in which an item is shown at first, encoded and learned from."""
    return Window(level=item["level"], width=item["window_width"])


def small_rgb(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize an RGB image, averaging where it shrinks."""
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0))


def thumbnail(image: MedicalImage, window: Window) -> bytes:
    """A small WebP picture, longest side `THUMBNAIL_PX`."""
    picture = Image.fromarray(to_rgb(image, window))
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=75)
    return out.getvalue()
