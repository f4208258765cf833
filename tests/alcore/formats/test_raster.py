"""Reading PNG, JPEG and TIFF: depth is kept, and each kind of bad file is refused for its own reason."""

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import alcore.formats.raster as raster
from alcore.errors import UnreadableImage
from alcore.formats.raster import read_image


def make_pixels(dtype, *colour, seed=0):
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top, size=(13, 29, *colour), endpoint=True).astype(dtype)


def encode(pixels, kind, **options):
    stream = io.BytesIO()
    if kind == "tiff":
        tifffile.imwrite(stream, pixels, **options)
    elif kind == "png16":
        import imagecodecs

        stream.write(imagecodecs.png_encode(pixels))
    else:
        Image.fromarray(pixels).save(stream, format=kind, **options)
    return stream.getvalue()


def refuse(data, problem, *words):
    with pytest.raises(UnreadableImage) as caught:
        read_image(io.BytesIO(data), name="scan.png")
    assert caught.value.problem == problem, str(caught.value)
    assert str(caught.value).startswith("scan.png: ")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("dtype", "colour", "kind", "options"),
    [
        (np.uint8, (), "png", {}),
        (np.uint8, (3,), "png", {}),
        (np.uint16, (), "png16", {}),
        (np.uint16, (3,), "png16", {}),
        (np.uint8, (), "tiff", {}),
        (np.uint8, (3,), "tiff", {"photometric": "rgb"}),
        (np.uint16, (), "tiff", {"byteorder": ">"}),
        (np.uint16, (3,), "tiff", {"photometric": "rgb", "compression": "zlib", "predictor": 2}),
        (np.uint16, (), "tiff", {"compression": "lzw", "tile": (16, 16)}),
        (np.uint8, (), "tiff", {"compression": "packbits"}),
        (np.uint16, (), "tiff", {"bigtiff": True}),
    ],
)
def test_lossless_files_come_back_bit_for_bit(dtype, colour, kind, options):
    pixels = make_pixels(dtype, *colour)
    image = read_image(io.BytesIO(encode(pixels, kind, **options)))
    assert image.pixels.dtype == dtype
    assert image.pixels.flags.c_contiguous
    np.testing.assert_array_equal(image.pixels, pixels)


def test_a_jpeg_comes_back_nearly_the_same_in_grey_and_colour():
    ramp = np.add.outer(np.arange(40), np.arange(60)).astype(np.uint8)
    for pixels in (ramp, np.stack([ramp, ramp // 2, 255 - ramp], axis=-1)):
        read = read_image(io.BytesIO(encode(pixels, "jpeg", quality=95))).pixels
        assert read.shape == pixels.shape
        assert np.abs(read.astype(int) - pixels).mean() < 3


def test_a_planar_tiff_has_its_channels_last():
    pixels = make_pixels(np.uint16, 3)
    data = encode(np.moveaxis(pixels, -1, 0), "tiff", photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(io.BytesIO(data)).pixels, pixels)


def test_a_tiff_where_white_is_zero_is_turned_brighter_is_higher():
    for dtype in (np.uint8, np.uint16):
        pixels = make_pixels(dtype)
        read = read_image(io.BytesIO(encode(pixels, "tiff", photometric="miniswhite"))).pixels
        np.testing.assert_array_equal(read, np.iinfo(dtype).max - pixels)


def test_a_palette_becomes_rgb_in_png_and_tiff():
    index = make_pixels(np.uint8) % 4
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 128, 0], [7, 8, 9]], dtype=np.uint8)
    palette = Image.fromarray(index, mode="L").convert("P")
    palette.putpalette(colours.tobytes())
    stream = io.BytesIO()
    palette.save(stream, format="png")
    np.testing.assert_array_equal(read_image(io.BytesIO(stream.getvalue())).pixels, colours[index])
    table = np.zeros((3, 256), dtype=np.uint16)
    table[:, :4] = colours.T.astype(np.uint16) << 8
    data = encode(index, "tiff", photometric="palette", colormap=table)
    np.testing.assert_array_equal(read_image(io.BytesIO(data)).pixels, colours[index])


def test_one_bit_images_use_the_full_range():
    bits = make_pixels(np.uint8) > 127
    stream = io.BytesIO()
    Image.fromarray(bits).save(stream, format="png")
    np.testing.assert_array_equal(read_image(io.BytesIO(stream.getvalue())).pixels, bits * np.uint8(255))
    read = read_image(io.BytesIO(encode(bits, "tiff", photometric="minisblack"))).pixels
    np.testing.assert_array_equal(read, bits * np.uint8(255))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_tag_is_applied_as_pillow_applies_it(orientation):
    from PIL import ImageOps

    pixels = make_pixels(np.uint8, 3)
    exif = Image.Exif()
    exif[274] = orientation
    png = encode(pixels, "png", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(png))))
    np.testing.assert_array_equal(read_image(io.BytesIO(png)).pixels, expected)
    tiff = encode(pixels, "tiff", photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    np.testing.assert_array_equal(read_image(io.BytesIO(tiff)).pixels, expected)


@pytest.mark.parametrize("kind", ["png", "png16", "tiff"])
def test_an_opaque_alpha_channel_is_dropped_and_a_transparent_one_refused(kind):
    pixels = make_pixels(np.uint16 if kind == "png16" else np.uint8, 4)
    pixels[..., 3] = np.iinfo(pixels.dtype).max
    options = {"photometric": "rgb", "extrasamples": ["unassalpha"]} if kind == "tiff" else {}
    np.testing.assert_array_equal(read_image(io.BytesIO(encode(pixels, kind, **options))).pixels, pixels[..., :3])
    pixels[3, 4, 3] = 0
    refuse(encode(pixels, kind, **options), "transparency", "flatten")


def test_the_content_counts_and_not_the_extension(tmp_path: Path):
    pixels = make_pixels(np.uint8)
    path = tmp_path / "really_png.jpg"
    path.write_bytes(encode(pixels, "png"))
    np.testing.assert_array_equal(read_image(path).pixels, pixels)


def test_zero_bytes_are_named_as_such(tmp_path: Path):
    refuse(b"", "empty_file", "0 bytes")
    (tmp_path / "nothing.png").touch()
    with pytest.raises(UnreadableImage, match=r"^nothing\.png: the file is empty"):
        read_image(tmp_path / "nothing.png")


def test_text_and_foreign_formats_renamed_to_png_are_the_wrong_type():
    refuse(b"stem,label\n1,benign\n", "wrong_type", "text")
    refuse(b"\0" * 128 + b"DICM" + b"\0" * 50, "wrong_type", "DICOM")
    refuse(b"GIF89a" + b"\0" * 50, "wrong_type", "GIF")
    refuse(b"\1\2\3\4" * 10, "wrong_type", "01 02 03 04")


def test_a_missing_file_or_a_folder_is_an_unreadable_image(tmp_path: Path):
    for path in (tmp_path / "absent.png", tmp_path):
        with pytest.raises(UnreadableImage, match="cannot be opened"):
            read_image(path)


@pytest.mark.parametrize("kind", ["png", "png16", "jpeg", "tiff"])
def test_a_file_cut_anywhere_is_refused(kind):
    data = encode(make_pixels(np.uint16 if kind in ("png16", "tiff") else np.uint8), kind)
    for keep in sorted({1, 5, 9, 30, *np.linspace(40, len(data) - 1, 25).astype(int)}):
        with pytest.raises(UnreadableImage) as caught:
            read_image(io.BytesIO(data[:keep]))
        assert caught.value.problem in ("truncated", "corrupt", "wrong_type", "unsupported_pixels"), keep
    refuse(data[: len(data) * 2 // 3], "truncated")


@pytest.mark.parametrize("kind", ["png", "png16", "jpeg", "tiff"])
def test_flipped_bytes_give_an_image_or_our_error_and_nothing_else(kind):
    options = {"compression": "zlib"} if kind == "tiff" else {}
    data = encode(make_pixels(np.uint16 if kind in ("png16", "tiff") else np.uint8), kind, **options)
    rng = np.random.default_rng(1)
    for _ in range(150):
        damaged = bytearray(data)
        damaged[rng.integers(4, min(len(data), 300))] ^= int(rng.integers(1, 256))
        with contextlib.suppress(UnreadableImage):
            read_image(io.BytesIO(bytes(damaged)))


def png_of_declared_size(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk


def test_a_decompression_bomb_is_refused_before_it_is_decoded():
    refuse(png_of_declared_size(50_000, 50_000), "too_large", "50000 x 50000", "100,000,000")
    bomb = encode(np.zeros((4, 4), np.uint8), "tiff", photometric="minisblack")
    at = bomb.index(struct.pack("<HHI", 256, 4 if b"\x00\x01\x04\x00" in bomb else 3, 1))
    refuse(bomb[: at + 8] + struct.pack("<I", 2**31) + bomb[at + 12 :], "too_large")


def test_the_pixel_limit_holds_for_jpeg_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(raster, "MAX_PIXELS", 100)
    refuse(encode(make_pixels(np.uint8), "jpeg"), "too_large")


def test_several_pages_are_refused_with_their_number():
    stack = np.stack([make_pixels(np.uint16)] * 5)
    refuse(encode(stack, "tiff", photometric="minisblack"), "multi_page", "5 pages", "each page")
    refuse(encode(stack, "tiff", imagej=True), "multi_page", "5 pages")


def test_an_animated_png_is_refused():
    frames = [Image.fromarray(make_pixels(np.uint8, seed=seed)) for seed in range(3)]
    stream = io.BytesIO()
    frames[0].save(stream, format="png", save_all=True, append_images=frames[1:])
    refuse(stream.getvalue(), "multi_page", "animation")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint32])
def test_float_and_wide_tiffs_are_refused_with_what_to_do(dtype):
    pixels = make_pixels(np.uint8).astype(dtype)
    if pixels.dtype.kind == "f":
        pixels[0, 0] = np.nan
    refuse(encode(pixels, "tiff"), "unsupported_pixels", str(np.dtype(dtype)), "0..65535", "uint16")


def test_cmyk_and_many_channels_are_refused():
    cmyk = Image.fromarray(make_pixels(np.uint8, 4), mode="CMYK")
    stream = io.BytesIO()
    cmyk.save(stream, format="jpeg")
    refuse(stream.getvalue(), "unsupported_pixels", "CMYK")
    refuse(encode(make_pixels(np.uint8, 5), "tiff", photometric="minisblack", planarconfig="contig"),
           "unsupported_pixels", "5 channels")  # fmt: skip
    refuse(encode(make_pixels(np.uint8, 4), "tiff", photometric="separated"), "unsupported_pixels", "SEPARATED")


def test_a_wrong_checksum_is_corrupt():
    data = bytearray(encode(make_pixels(np.uint8), "png"))
    data[data.index(b"IDAT") + 12] ^= 255
    refuse(bytes(data), "corrupt", "checksum", "IDAT")
