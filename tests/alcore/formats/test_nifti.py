"""NIfTI: directions, values and sizes come through; what is no 3D volume of grey values is refused in one line."""

import csv
import gzip
import re
import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest

from alcore.errors import UnreadableImage
from alcore.formats.nifti import looks_like_nifti, read_nifti
from alcore.formats.volume import MAX_VOXELS, MedicalVolume, shrunk, slice_png, unsigned
from tests.paths import shared_data
from tests.volumes import SHAPE, SPACING, ball, ball_bytes, ball_image, write_ball


def values(volume: MedicalVolume) -> np.ndarray:
    return volume.slope * volume.voxels.astype(np.float64) + volume.intercept


def saved(folder: Path, image: nibabel.Nifti1Image, name: str = "a.nii") -> Path:
    nibabel.save(image, folder / name)
    return folder / name


def test_an_axial_volume_is_shown_from_anterior_down_and_from_the_patients_right(tmp_path: Path) -> None:
    volume = read_nifti(write_ball(tmp_path / "ball.nii.gz"))
    # Stored in RAS: columns go from left to right and rows from back to front, both the other way round on the screen.
    expected = np.where(ball(), 150, -50)
    expected[0, 0, :] = np.arange(SHAPE[2])
    assert (volume.axes, volume.plane) == ("SPL", "axial")
    np.testing.assert_array_equal(values(volume), expected[::-1, ::-1, :].transpose(2, 1, 0))
    assert volume.voxels.dtype == np.uint16
    assert (volume.slope, volume.intercept) == (1.0, -50.0)
    assert volume.spacing_mm == pytest.approx((SPACING[2], SPACING[1], SPACING[0]))


@pytest.mark.parametrize("codes", ["LAS", "RPI", "PIR", "SLA", "ASR", "LPS", "IAR"])
def test_the_same_body_looks_the_same_however_it_is_stored(tmp_path: Path, codes: str) -> None:
    image = ball_image()
    turn = nibabel.orientations.ornt_transform(
        nibabel.orientations.io_orientation(image.affine), nibabel.orientations.axcodes2ornt(tuple(codes))
    )
    volume = read_nifti(saved(tmp_path, image.as_reoriented(turn)))
    assert volume.axes[0] == codes[2]  # slices stay in their stored order
    expected = read_nifti(write_ball(tmp_path / "b.nii"))
    # Bring both to one order of axes: the letters say how.
    shown = nibabel.orientations.axcodes2ornt(tuple(volume.axes))
    back = nibabel.orientations.ornt_transform(shown, nibabel.orientations.axcodes2ornt(tuple(expected.axes)))
    np.testing.assert_array_equal(nibabel.orientations.apply_orientation(values(volume), back), values(expected))
    moved = [volume.spacing_mm[int(i)] for i in np.argsort(back[:, 0])]  # type: ignore[index]
    assert moved == pytest.approx(expected.spacing_mm)


def test_rows_and_columns_of_coronal_and_sagittal_slices(tmp_path: Path) -> None:
    image = ball_image()
    for codes, axes in (("RSA", "AIL"), ("RSP", "PIL"), ("ASR", "RIP"), ("SAL", "LIP")):
        turn = nibabel.orientations.ornt_transform(
            nibabel.orientations.io_orientation(image.affine), nibabel.orientations.axcodes2ornt(tuple(codes))
        )
        assert read_nifti(saved(tmp_path, image.as_reoriented(turn))).axes == axes


@pytest.mark.parametrize(("kind", "slope"), [(np.uint8, 1.0), (np.int16, 0.5), (np.int16, -2.0), (np.int32, 3.0)])
def test_whole_numbers_are_kept_exactly(tmp_path: Path, kind: type, slope: float) -> None:
    stored = np.random.default_rng(0).integers(0, 200, (5, 6, 7)).astype(kind)
    image = nibabel.Nifti1Image(stored, np.eye(4))
    image.header.set_slope_inter(slope, 10.0)
    volume = read_nifti(saved(tmp_path, image))
    assert volume.slope > 0  # brighter is more
    np.testing.assert_array_equal(values(volume), (slope * stored + 10.0)[::-1, ::-1].transpose(2, 1, 0))


def test_fractions_are_off_by_half_a_step_at_most() -> None:
    raw = np.random.default_rng(1).normal(size=(4, 5, 6))
    voxels, slope, intercept = unsigned(raw, 2.0, 1.0)
    assert voxels.dtype == np.uint16
    assert np.abs(slope * voxels + intercept - (2 * raw + 1)).max() <= slope / 2 * (1 + 1e-9)
    assert slope == pytest.approx(2 * np.ptp(raw) / 65535)


def test_a_range_that_16_bits_hold_is_shifted_and_a_wider_one_is_rounded() -> None:
    edge = np.array([[[-32768, 32767]]], dtype=np.int16)
    voxels, slope, intercept = unsigned(edge, 1.0, 0.0)
    assert (voxels.ravel().tolist(), slope, intercept) == ([0, 65535], 1.0, -32768.0)
    voxels, slope, _ = unsigned(edge.astype(np.int32) * 2, 1.0, 0.0)
    assert (voxels.ravel().tolist(), slope) == ([0, 65535], 2.0)


def test_a_time_series_with_one_moment_is_a_volume_and_a_flat_image_has_one_slice(tmp_path: Path) -> None:
    for shape, slices in (((4, 5, 6, 1), 6), ((4, 5), 1)):
        image = nibabel.Nifti1Image(np.zeros(shape, np.int16), np.eye(4))
        assert read_nifti(saved(tmp_path, image)).voxels.shape == (slices, 5, 4)


def test_microns_become_millimetres(tmp_path: Path) -> None:
    image = ball_image()
    image.header.set_xyzt_units("micron")
    assert read_nifti(saved(tmp_path, image)).spacing_mm == pytest.approx((0.003, 0.002, 0.0015))


def with_shape(*shape: int) -> bytes:
    """A header that declares a shape, packed, with nothing behind it."""
    header = nibabel.Nifti2Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(shape)
    header["magic"] = b"n+2\x00\r\n\x1a\n"
    header["vox_offset"] = 544
    return gzip.compress(header.binaryblock)


REFUSED = {
    "time series": (lambda: nibabel.Nifti1Image(np.zeros((3, 3, 3, 2)), np.eye(4)).to_bytes(), "multi_page", "4 dimen"),
    "NaN": (
        lambda: nibabel.Nifti1Image(np.full((3, 3, 3), np.nan), np.eye(4)).to_bytes(),
        "unsupported_pixels",
        "27 voxels that are NaN",
    ),
    "complex": (
        lambda: nibabel.Nifti1Image(np.zeros((3, 3, 3), np.complex64), np.eye(4)).to_bytes(),
        "unsupported_pixels",
        "complex64",
    ),
    "colours": (
        lambda: nibabel.Nifti1Image(np.zeros((3, 3, 3), [(c, "u1") for c in "RGB"]), np.eye(4)).to_bytes(),
        "unsupported_pixels",
        "colours",
    ),
    "cut": (lambda: ball_bytes(packed=False)[:-1], "truncated", "are declared"),
    "cut and packed": (lambda: ball_bytes()[: len(ball_bytes()) // 2], "truncated", "end-of-stream"),
    "cut in its header": (lambda: ball_bytes(packed=False)[:200], "truncated", "header"),
    "bomb": (lambda: with_shape(40_000, 40_000, 1_500), "too_large", f"{MAX_VOXELS:,}"),
    "too many slices": (lambda: with_shape(2, 2, 3_000), "too_large", "2,000 slices"),
    "no size": (lambda: with_shape(2, -2, 3), "corrupt", "(2, -2, 3)"),
    "flat orientation": (
        lambda: ball_bytes(packed=False)[:280] + struct.pack("<12f", *[0.0] * 12) + ball_bytes(packed=False)[328:],
        "corrupt",
        "sform or qform",
    ),
    "pair": (lambda: ball_bytes(packed=False)[:344] + b"ni1\x00", "wrong_type", "second file"),
    "text": (lambda: b"a note that is no volume", "wrong_type", "NIfTI header"),
    "nothing": (lambda: b"", "wrong_type", "NIfTI header"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_volume_is_refused_in_one_line(tmp_path: Path, what: str) -> None:
    make, problem, words = REFUSED[what]
    file = tmp_path / "a.nii"
    file.write_bytes(make())
    with pytest.raises(UnreadableImage, match=re.escape(words)) as caught:
        read_nifti(file, name="shown.nii")
    assert caught.value.problem == problem
    assert str(caught.value).startswith("shown.nii: ")
    assert "\n" not in str(caught.value)


def test_volumes_are_known_by_their_content(tmp_path: Path) -> None:
    for name, content, expected in (
        ("a.png", ball_bytes(), True),
        ("b", ball_bytes(packed=False), True),
        ("c.nii.gz", gzip.compress(b"text"), False),
        ("d.nii", b"", False),
        ("e.gz", b"\x1f\x8b broken", False),
    ):
        (tmp_path / name).write_bytes(content)
        assert looks_like_nifti(tmp_path / name) is expected, name


def test_a_shrunk_volume_holds_the_means_of_boxes() -> None:
    voxels = np.arange(5 * 4 * 6, dtype=np.uint16).reshape(5, 4, 6)
    small = shrunk(voxels, 4)
    assert small.shape == (4, 4, 4)
    assert small.dtype == np.uint16
    # Along the last axis 6 values fall into boxes that begin at 0, 1, 3 and 4; along the first, 5 at 0, 1, 2 and 3.
    assert small[0, 0].tolist() == [0, round(1.5), 3, round(4.5)]
    assert small[3, 0, 0] == np.rint((voxels[3, 0, 0] + voxels[4, 0, 0]) / 2)
    assert shrunk(voxels, 6) is voxels


def test_equal_slices_are_different_files(tmp_path: Path) -> None:
    volume = read_nifti(saved(tmp_path, nibabel.Nifti1Image(np.zeros((3, 4, 2), np.int16), np.eye(4))))
    assert slice_png(volume, 0, "v slice 0") != slice_png(volume, 1, "v slice 1")
    assert slice_png(volume, 0, "v slice 0") == slice_png(volume, 0, "v slice 0")


def test_real_files_decode_as_the_index_says() -> None:
    index = shared_data("formats") / "index.csv"
    with index.open(newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["path"].startswith("nifti/")]
    assert len(rows) >= 10
    for row in rows:
        file, expected = index.parent / row["path"], row["decoded"]
        shape = [int(side) for side in re.findall(r"\d+", expected.partition(")")[0])]
        if expected.startswith("FAILS") or len(shape) != 3:
            with pytest.raises(UnreadableImage):
                read_nifti(file)
            continue
        volume = read_nifti(file)
        low, high = map(float, re.findall(r"\) \S+ (\S+)\.\.(\S+)", expected)[0])
        assert sorted(volume.voxels.shape) == sorted(shape), row["path"]
        assert (values(volume).min(), values(volume).max()) == pytest.approx((low, high), rel=1e-5), row["path"]
        assert looks_like_nifti(file)
