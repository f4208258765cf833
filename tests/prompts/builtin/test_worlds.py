import numpy as np
import pytest
from scipy import ndimage

from prompts.builtin.training import worlds
from prompts.builtin.training.worlds.objects import tidy, visibility

INDICES = range(12)


@pytest.fixture(scope="module")
def drawn() -> list:
    return [worlds.draw(i) for i in INDICES]


def ring_difference(pixels: np.ndarray, mask: np.ndarray) -> float:
    ring = ndimage.binary_dilation(mask, iterations=5) & ~ndimage.binary_dilation(mask, iterations=1)
    inner = pixels[mask].astype(float)
    outer = pixels[ring].astype(float)
    return float(max(np.abs(inner.mean(0) - outer.mean(0)).max(), np.abs(inner.std(0) - outer.std(0)).max()))


def test_a_picture_is_a_function_of_its_index(drawn) -> None:
    for index in (0, 7, 3):
        name, pixels, maps = worlds.draw(index)
        assert name == drawn[index][0]
        np.testing.assert_array_equal(pixels, drawn[index][1])
        for a, b in zip(maps, drawn[index][2], strict=True):
            np.testing.assert_array_equal(a, b)


def test_different_indices_give_different_pictures(drawn) -> None:
    assert len({pixels.tobytes() for _, pixels, _ in drawn}) == len(drawn)


@pytest.mark.parametrize("name", worlds.WORLDS)
def test_every_world_draws_bytes_and_full_label_maps(name: str) -> None:
    for seed in range(4):
        pixels, maps = worlds.draw_world(name, np.random.default_rng(seed))
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == 3
        assert all(192 <= side <= 320 for side in pixels.shape[:2])
        assert maps
        for labels in maps:
            assert labels.dtype == np.int16
            assert labels.shape == pixels.shape[:2]
            ids = np.unique(labels[labels > 0])
            np.testing.assert_array_equal(ids, np.arange(1, len(ids) + 1))
            assert len(ids) >= 1


def test_every_world_has_a_share_and_comes_up() -> None:
    assert worlds.SHARES.keys() == worlds.WORLDS.keys()
    assert sum(worlds.SHARES.values()) == pytest.approx(1)
    assert min(worlds.SHARES.values()) > 0


def test_most_objects_differ_from_a_ring_around_them(drawn) -> None:
    differences = [
        ring_difference(pixels, labels == label)
        for _, pixels, maps in drawn
        for labels in maps
        for label in range(1, min(int(labels.max()), 6) + 1)
    ]
    assert np.mean(np.array(differences) > 4) > 0.85


def test_tidy_drops_specks_and_what_nobody_sees_and_renumbers() -> None:
    pixels = np.full((60, 80, 3), 100, np.uint8)
    labels = np.zeros((60, 80), np.int16)
    labels[5:15, 5:15] = 2
    labels[30:50, 10:30] = 4
    labels[30:32, 60:62] = 7
    pixels[30:50, 10:30] = 130
    pixels[30:32, 60:62] = 255
    kept = tidy(pixels, labels)
    assert kept is not None
    np.testing.assert_array_equal(kept, (labels == 4).astype(np.int16))
    assert tidy(pixels, np.where(labels == 2, 1, 0)) is None


def test_visibility_is_the_step_in_grey_levels_on_a_plain_ground() -> None:
    pixels = np.full((64, 64, 3), 50, np.uint8)
    labels = np.zeros((64, 64), np.int32)
    labels[20:40, 20:40] = 1
    pixels[labels == 1] = 80
    assert visibility(pixels, labels)[1] == pytest.approx(30, abs=0.01)


def test_pasting_changes_nothing_far_from_its_shapes() -> None:
    rows, cols = np.mgrid[:150, :200]
    pixels = np.stack([rows, cols, (rows * cols) % 251], axis=-1).astype(np.uint8)
    before = pixels.copy()
    for index in range(6):
        changed, maps = worlds.pasted(pixels, index)
        np.testing.assert_array_equal(pixels, before)
        assert changed.dtype == np.uint8
        assert maps[0].dtype == np.int16
        assert maps[0].max() >= 1
        is_changed = (changed != pixels).any(-1)
        assert is_changed[maps[0] > 0].mean() > 0.5
        assert not is_changed.all()
        again, same = worlds.pasted(pixels, index)
        np.testing.assert_array_equal(changed, again)
        np.testing.assert_array_equal(maps[0], same[0])
