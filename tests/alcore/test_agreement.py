"""Two readers: cases worked by hand, slow references, and what must not change the numbers."""

import itertools

import numpy as np
import pytest

from alcore.agreement import cohens_kappa, compare_classes, match_objects, mean_agreement, surface_distances
from alcore.errors import InvalidInput


def square(y: int, x: int, side: int, shape: tuple[int, int] = (20, 30)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[y : y + side, x : x + side] = True
    return mask


def border_of(mask: np.ndarray) -> list[tuple[int, int]]:
    padded = np.pad(mask, 1)
    return [
        (int(y), int(x))
        for y, x in np.argwhere(mask)
        if not all(padded[y + 1 + dy, x + 1 + dx] for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)))
    ]


def slow_distances(a: np.ndarray, b: np.ndarray, spacing: tuple[float, float]) -> list[float]:
    sides = border_of(a), border_of(b)
    return [
        min(float(np.hypot((y - v) * spacing[0], (x - u) * spacing[1])) for v, u in there)
        for here, there in (sides, sides[::-1])
        for y, x in here
    ]


def test_two_points_are_as_far_apart_as_they_are() -> None:
    assert surface_distances(square(2, 3, 1), square(5, 7, 1)) == (5.0, 5.0)
    assert surface_distances(square(2, 3, 1), square(2, 7, 1), spacing=(9.0, 0.5)) == (2.0, 2.0)


def test_a_mask_is_at_no_distance_from_itself_even_at_the_edge() -> None:
    mask = square(0, 0, 6)
    assert surface_distances(mask, mask) == (0.0, 0.0)


def test_distances_are_those_of_all_pairs_of_border_pixels() -> None:
    rng = np.random.default_rng(3)
    for _ in range(12):
        a, b = (rng.random((9, 13)) < 0.3 for _ in range(2))
        spacing = (0.7, 1.9)
        found = surface_distances(a, b, spacing=spacing)
        pooled = slow_distances(a, b, spacing)
        assert found == pytest.approx((np.mean(pooled), np.percentile(pooled, 95)))
        assert surface_distances(b, a, spacing=spacing) == pytest.approx(found)
        wide = [np.pad(mask, 5) for mask in (a, b)]
        # more background changes nothing but what counts as the edge, which is outside either way
        assert surface_distances(*wide, spacing=spacing) == pytest.approx(found)


def test_an_empty_mask_is_at_no_known_distance() -> None:
    empty = np.zeros((20, 30), bool)
    assert surface_distances(empty, square(1, 1, 3)) is None
    assert surface_distances(empty, empty) is None


def test_a_pixel_without_height_is_refused() -> None:
    with pytest.raises(InvalidInput, match="spacing"):
        surface_distances(square(1, 1, 2), square(1, 1, 2), spacing=(0.0, 1.0))


def test_classes_are_compared_where_either_reader_shows_them() -> None:
    empty = np.zeros((20, 30), bool)
    first = {1: square(2, 2, 4), 3: square(9, 9, 2), 4: empty}
    second = {1: square(2, 4, 4), 2: square(15, 1, 3)}
    one, two, three = compare_classes(first, second)
    assert (one.class_id, one.dice) == (1, 0.5)
    assert one.distance is not None
    assert (two.class_id, two.dice, two.distance, two.hd95) == (2, 0.0, None, None)
    assert (three.class_id, three.dice, three.distance) == (3, 0.0, None)
    assert mean_agreement([one, two, three]) == (0.5 / 3, one.distance)
    assert [(c.class_id, c.dice) for c in compare_classes(second, first)] == [(1, 0.5), (2, 0.0), (3, 0.0)]


def test_two_readers_who_see_nothing_agree() -> None:
    assert compare_classes({}, {1: np.zeros((4, 4), bool)}) == []
    assert mean_agreement([]) == (1.0, 0.0)
    assert mean_agreement(compare_classes({1: square(0, 0, 2)}, {})) == (0.0, None)


def test_objects_find_the_partners_that_overlap_most() -> None:
    first = [square(2, 2, 6), square(2, 20, 5), square(14, 2, 3)]
    second = [square(2, 21, 5), square(3, 2, 6), square(14, 14, 3)]
    assert match_objects(first, second) == [(0, 1), (1, 0), (2, None), (None, 2)]
    assert match_objects([], second) == [(None, 0), (None, 1), (None, 2)]
    assert match_objects(first, []) == [(0, None), (1, None), (2, None)]


def test_the_pairs_dice_sums_to_the_most_of_all_pairings() -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        first, second = (list(rng.random((3, 8, 8)) < 0.4) for _ in range(2))

        def dice(i: int, j: int, a: list[np.ndarray] = first, b: list[np.ndarray] = second) -> float:
            return 2 * float((a[i] & b[j]).sum()) / float(a[i].sum() + b[j].sum())

        best = max(sum(dice(i, j) for i, j in enumerate(order)) for order in itertools.permutations(range(3)))
        pairs = match_objects(first, second)
        assert sum(dice(i, j) for i, j in pairs if i is not None and j is not None) == pytest.approx(best)


def test_kappa_of_the_textbook_table() -> None:
    # 20 both yes, 5 yes/no, 10 no/yes, 15 both no: observed 0.7, by chance 0.5
    first = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    second = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    assert cohens_kappa(first, second) == pytest.approx(0.4)
    assert cohens_kappa(second, first) == pytest.approx(0.4)
    assert cohens_kappa(first + 7, second + 7) == pytest.approx(0.4)


def test_kappa_at_its_ends() -> None:
    labels = np.array([0, 1, 2, 1])
    assert cohens_kappa(labels, labels) == 1.0
    assert cohens_kappa(np.array([0, 1]), np.array([1, 0])) == -1.0
    assert np.isnan(cohens_kappa(np.array([2, 2]), np.array([2, 2])))
    with pytest.raises(InvalidInput, match="as many"):
        cohens_kappa(np.array([], int), np.array([], int))
