"""Read PNG, JPEG and TIFF files without losing depth, and refuse what cannot be read faithfully.

The content decides, not the file's extension. What comes back is uint8 or uint16, (H, W) grey or (H, W, 3) RGB:

- 16-bit grey and colour stay 16 bit; 1, 2 and 4 bit grey is stretched to 0..255; a palette becomes RGB.
- An EXIF or TIFF orientation is applied. "White is zero" TIFFs are turned so that higher is brighter.
- An alpha channel that is opaque everywhere is dropped; one that is not is refused, since what a viewer would show
  depends on its background.
- Files with several pages or frames, float or signed pixels, CMYK and YCbCr TIFFs are refused with what to do.
"""

import io
import struct
import zlib
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Shaped
from PIL import JpegImagePlugin, PngImagePlugin

from alcore.errors import ImageProblem, UnreadableImage
from alcore.formats.window import default_window
from alcore.types import MedicalImage

MAX_PIXELS = 100_000_000
"""Images that declare more pixels than this are refused before anything is decoded."""
MAX_FILE_BYTES = 1_000_000_000

Pixels = Shaped[np.ndarray, "..."]

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_FOREIGN = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF", "PDF"),
    (b"PK", "zip"),
)
DECODE_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, EOFError, struct.error,
    zlib.error,
)  # fmt: skip
"""All that Pillow, tifffile and imagecodecs raise on damaged files."""
ORIENTATION_TAG = 274


@runtime_checkable
class ByteStream(Protocol):
    """Anything with `read`: an open file, a BytesIO, an upload."""

    def read(self, n: int = -1, /) -> bytes:
        """Return up to `n` bytes."""
        ...


def read_image(path: Path | ByteStream, *, name: str = "") -> MedicalImage:
    """Read one PNG, JPEG or TIFF image with its default window.

    Args:
        path: a file, or a binary stream that is read to its end.
        name: what to call the file in messages; the file's own name when left out.

    Raises:
        UnreadableImage: the file is empty, of another type, truncated or damaged, larger than `MAX_PIXELS`, has several
            pages, or pixels that uint8 or uint16 cannot hold; `problem` tells these apart.
    """
    name = name or (path.name if isinstance(path, Path) else "")
    try:
        pixels = _decode(_read_bytes(path))
    except UnreadableImage as error:
        raise UnreadableImage(error.reason, problem=error.problem, name=name) from error.__cause__
    return MedicalImage(pixels=pixels, window=default_window(pixels))


def _read_bytes(path: Path | ByteStream) -> bytes:
    """Return the content, refusing files too large to hold."""
    try:
        if isinstance(path, Path):
            if path.stat().st_size > MAX_FILE_BYTES:
                raise _too_large(f"the file has {path.stat().st_size:,} bytes")
            data = path.read_bytes()
        else:
            data = path.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UnreadableImage(f"cannot be opened: {error.strerror or error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise _too_large(f"the file has more than {MAX_FILE_BYTES:,} bytes")
    return data


def _decode(data: bytes) -> Pixels:
    """Decode by content and settle type, shape and orientation."""
    if not data:
        raise UnreadableImage("the file is empty (0 bytes); copy it again", problem="empty_file")
    if data.startswith(_PNG):
        pixels, orientation = _decode_png(data)
    elif data.startswith(_JPEG):
        pixels, orientation = _decode_jpeg(data)
    elif data.startswith(_TIFF):
        from alcore.formats.raster_tiff import decode_tiff

        pixels, orientation = decode_tiff(data)
    else:
        raise UnreadableImage(f"not a PNG, JPEG or TIFF file: {_guess(data)}", problem="wrong_type")
    return np.ascontiguousarray(_orient(_without_alpha(pixels), orientation))


def _guess(data: bytes) -> str:
    """Say what a foreign file looks like."""
    if data[128:132] == b"DICM":
        return "it looks like DICOM; export it as PNG or TIFF"
    for signature, kind in _FOREIGN:
        if data.startswith(signature):
            return f"it looks like {kind}; convert it to PNG or TIFF"
    head = data[:64]
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return "it holds text"
    return f"it starts with {data[:8].hex(' ')}"


def check_size(width: int, height: int) -> None:
    """Refuse a declared size before decoding it."""
    if width < 1 or height < 1:
        raise UnreadableImage(f"declares a size of {width} x {height} pixels", problem="corrupt")
    if width * height > MAX_PIXELS:
        raise _too_large(f"declares {width} x {height} pixels")


def _too_large(what: str) -> UnreadableImage:
    """Build the error for oversized files."""
    return UnreadableImage(f"{what}; at most {MAX_PIXELS:,} pixels are allowed: tile or shrink it", problem="too_large")


def damaged(error: Exception) -> UnreadableImage:
    """Build the error for files that a decoder refuses."""
    text = str(error) or type(error).__name__
    problem: ImageProblem = "truncated" if "truncated" in text.lower() else "corrupt"
    return UnreadableImage(f"the file is damaged: {text}; copy or export it again", problem=problem)


def truncated(what: str) -> UnreadableImage:
    """Build the error for files that end too early."""
    return UnreadableImage(f"the file is truncated: {what}; copy it again", problem="truncated")


def check_png_chunks(data: bytes) -> tuple[int, int, int]:
    """Walk all chunks with their checksums; return (width, height, bit depth). Refuses early ends and animations."""
    at, header = len(_PNG), None
    while True:
        if at + 12 > len(data):
            raise truncated("it ends without an IEND chunk")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise truncated(f"chunk {kind.decode('latin-1')} ends early")
        if zlib.crc32(data[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
            raise UnreadableImage(f"the checksum of chunk {kind.decode('latin-1')} is wrong", problem="corrupt")
        if header is None:
            if kind != b"IHDR" or length != 13:
                raise UnreadableImage("the file has no PNG header", problem="corrupt")
            header = struct.unpack_from(">IIB", data, at + 8)
            check_size(header[0], header[1])
        if kind == b"acTL" and struct.unpack_from(">I", data, at + 8)[0] > 1:
            raise UnreadableImage("is an animation; save its frames as single files", problem="multi_page")
        if kind == b"IEND":
            return header
        at = end


def _decode_png(data: bytes) -> tuple[Pixels, int]:
    """Decode a PNG; 16 bit by libpng, since Pillow cuts 16-bit colour to 8."""
    bit_depth = check_png_chunks(data)[2]
    try:
        image = PngImagePlugin.PngImageFile(io.BytesIO(data))
        orientation = image.getexif().get(ORIENTATION_TAG, 1)
        if bit_depth == 16:
            import imagecodecs

            return imagecodecs.png_decode(data), orientation
        image.load()
        transparent = "transparency" in image.info or image.mode in ("LA", "PA")
        if image.mode == "P" or transparent:
            return np.asarray(image.convert("RGBA" if transparent else "RGB")), orientation
        return np.asarray(image.convert("L") if image.mode == "1" else image), orientation
    except DECODE_ERRORS as error:
        raise damaged(error) from error


def _decode_jpeg(data: bytes) -> tuple[Pixels, int]:
    """Decode a JPEG, which must reach its end marker."""
    if data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise truncated("it ends without an end-of-image marker")
    try:
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
        check_size(*image.size)
        if image.mode not in ("L", "RGB"):
            raise UnreadableImage(f"has {image.mode} colours; save it as RGB or grey", problem="unsupported_pixels")
        image.load()
        return np.asarray(image), image.getexif().get(ORIENTATION_TAG, 1)
    except DECODE_ERRORS as error:
        raise damaged(error) from error


def _without_alpha(pixels: Pixels) -> Pixels:
    """Drop an alpha channel that is opaque everywhere; (H, W, 1) becomes (H, W)."""
    n_channels = pixels.shape[2] if pixels.ndim == 3 else 1
    if n_channels in (2, 4):
        if (pixels[..., -1] != np.iinfo(pixels.dtype).max).any():
            raise UnreadableImage(
                "has transparent pixels; flatten it onto a background and save it without alpha", problem="transparency"
            )
        pixels = pixels[..., :-1]
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def _orient(pixels: Pixels, orientation: int) -> Pixels:
    """Turn and mirror as EXIF orientation 1..8 says; other values mean upright."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    flip_rows = orientation in (3, 4, 7, 8)
    flip_columns = orientation in (2, 3, 6, 7)
    return pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
