"""The TIFF part of `raster.py`: one page, uint8 or uint16, grey, RGB or palette."""

import io
from typing import TYPE_CHECKING

import numpy as np

from alcore.errors import UnreadableImage
from alcore.formats.raster import DECODE_ERRORS, MAX_PIXELS, ORIENTATION_TAG, Pixels, check_size, damaged, truncated

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_JPEG_COMPRESSIONS = (6, 7)


def decode_tiff(data: bytes) -> tuple[Pixels, int]:
    """Decode the only page of a TIFF; return pixels as stored, alpha included, and the orientation tag."""
    from tifffile import TiffFile

    try:
        with TiffFile(io.BytesIO(data)) as tiff:
            page = _only_page(tiff)
            check_size(page.imagewidth, page.imagelength)
            _check_segments(page, len(data))
            _check_pixel_type(page)
            orientation = page.tags.valueof(ORIENTATION_TAG, default=1)
            return _to_display(page, page.asarray(maxworkers=1)), int(orientation)
    except DECODE_ERRORS as error:
        raise damaged(error) from error


def _only_page(tiff: "TiffFile") -> "TiffPage":
    """Return the one full-size page; thumbnails and pyramid levels beside it are passed over."""
    from tifffile import TiffPage

    pages = [page for page in tiff.pages if not getattr(page, "subfiletype", 0) & 1] or [tiff.pages[0]]
    n_pages = len(pages)
    if tiff.is_imagej and n_pages == 1:
        n_pages = int((tiff.imagej_metadata or {}).get("images", 1))
    if n_pages > 1 or getattr(pages[0], "imagedepth", 1) > 1:
        n_pages = max(n_pages, getattr(pages[0], "imagedepth", 1))
        raise UnreadableImage(f"has {n_pages} pages; save each page as a file of its own", problem="multi_page")
    page = pages[0]
    if not isinstance(page, TiffPage):
        raise UnreadableImage("its first page has no header of its own", problem="corrupt")
    return page


def _check_segments(page: "TiffPage", n_bytes: int) -> None:
    """Refuse pages whose strips or tiles are missing or lie beyond the end: decoders fill those with zeros."""
    if page.is_tiled and page.tilewidth * page.tilelength > MAX_PIXELS:
        raise UnreadableImage(f"declares tiles of {page.tilewidth} x {page.tilelength} pixels", problem="too_large")
    if not page.dataoffsets:
        raise truncated("it holds no pixel data")
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if offset < 1 or count < 1 or offset + count > n_bytes:
            raise truncated("pixel data are missing")


def _check_pixel_type(page: "TiffPage") -> None:
    """Refuse what uint8 and uint16 cannot hold and colours that we do not convert."""
    if page.dtype is None or page.dtype.kind not in "bu" or page.dtype.itemsize > 2:
        kind = f"{page.dtype} pixels" if page.dtype is not None else f"pixels of {page.bitspersample} bits"
        raise UnreadableImage(
            f"has {kind}; allowed are uint8 and uint16: scale the values to 0..65535 and save them as uint16",
            problem="unsupported_pixels",
        )
    photometric = int(page.photometric)
    if photometric == _YCBCR and int(page.compression) in _JPEG_COMPRESSIONS:
        return
    if photometric not in (_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _PALETTE):
        raise UnreadableImage(
            f"has {getattr(page.photometric, 'name', photometric)} colours; save it as RGB or grey",
            problem="unsupported_pixels",
        )
    n_colours = 3 if photometric == _RGB else 1
    if page.samplesperpixel not in (n_colours, n_colours + 1):
        raise UnreadableImage(
            f"has {page.samplesperpixel} channels; save each channel as a grey file of its own, or three as RGB",
            problem="unsupported_pixels",
        )


def _to_display(page: "TiffPage", stored: Pixels) -> Pixels:
    """Bring stored values to grey or RGB with higher = brighter."""
    pixels = np.moveaxis(stored, 0, -1) if page.axes.startswith("S") else stored
    photometric, n_bits = int(page.photometric), int(page.bitspersample)
    if photometric == _PALETTE:
        if page.colormap is None:
            raise UnreadableImage("has palette colours but no palette", problem="corrupt")
        colours = page.colormap if page.colormap.max() < 256 else page.colormap >> 8  # some writers store 8 bit
        return colours.T.astype(np.uint8)[pixels.astype(np.intp)]
    top = 2**n_bits - 1
    pixels = pixels.astype(np.uint8) if pixels.dtype == np.bool_ else pixels
    if photometric == _MIN_IS_WHITE:
        grey = pixels if pixels.ndim == 2 else pixels[..., :1]
        pixels = np.concatenate([top - grey, pixels[..., 1:]], axis=-1) if pixels.ndim == 3 else top - grey
    if n_bits < 8:
        pixels = (pixels.astype(np.uint16) * 255 // top).astype(np.uint8)
    return pixels.astype(pixels.dtype.newbyteorder("="))
