"""Region queries on non-square images: grids, superpixels, budgets, caps, overlap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alcore.errors import InvalidInput
from alcore.regions import patch_candidates, select_regions, superpixel_candidates


def boxes_of(regions):
    return [(r.row, r.box[0].start, r.box[1].start, r.box[0].stop, r.box[1].stop) for r in regions]


def test_the_grid_is_cut_at_the_far_edges():
    score = np.arange(15.0).reshape(3, 5)
    found = patch_candidates([score], size_px=2)
    assert found.boxes.tolist() == [
        [0, 0, 2, 2],
        [0, 2, 2, 4],
        [0, 4, 2, 5],
        [2, 0, 3, 2],
        [2, 2, 3, 4],
        [2, 4, 3, 5],
    ]
    assert found.areas_px.tolist() == [4, 4, 2, 2, 2, 1]
    np.testing.assert_allclose(found.scores, [3, 5, 6.5, 10.5, 12.5, 14])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9))
def test_patches_cover_every_pixel_and_their_means_match_a_plain_loop(seed, size, stride):
    score = np.random.default_rng(seed).random((7, 11))
    found = patch_candidates([score], size_px=size, stride_px=min(stride, size))
    covered = np.zeros((7, 11), int)
    for (y0, x0, y1, x1), mean in zip(found.boxes.tolist(), found.scores, strict=True):
        covered[y0:y1, x0:x1] += 1
        assert np.isclose(mean, score[y0:y1, x0:x1].mean())
    assert covered.min() >= 1
    if min(stride, size) == size:
        assert covered.max() == 1


def test_the_best_patches_of_all_images_come_first():
    first, second = np.zeros((4, 6)), np.zeros((6, 4))
    first[2:4, 4:6] = 3.0
    second[0:2, 0:2] = 5.0
    second[4:6, 2:4] = 4.0
    candidates = patch_candidates([first, second], size_px=2)
    regions = select_regions(candidates, 3)
    assert boxes_of(regions) == [(1, 0, 0, 2, 2), (1, 4, 2, 6, 4), (0, 2, 4, 4, 6)]
    assert regions[0].reason == "mean score 5.00, rank 1 of 12 regions by score"
    assert second[regions[0].box].min() == 5.0
    capped = select_regions(candidates, 3, max_per_image=1)
    assert boxes_of(capped)[:2] == [(1, 0, 0, 2, 2), (0, 2, 4, 4, 6)]
    assert len(capped) == 2


def test_overlapping_patches_are_never_taken_together():
    score = np.random.default_rng(0).random((20, 30))
    regions = select_regions(patch_candidates([score, score], size_px=6, stride_px=2), 1000)
    for row in (0, 1):
        covered = np.zeros((20, 30), int)
        for region in regions:
            if region.row == row:
                covered[region.box] += 1
        assert covered.max() == 1
        assert covered.sum() > 200
    scores = [region.score for region in regions]
    assert scores == sorted(scores, reverse=True)


def test_the_greedy_choice_matches_a_plain_loop():
    score = np.random.default_rng(1).random((9, 13))
    candidates = patch_candidates([score], size_px=4, stride_px=3)
    expected, covered, spent = [], np.zeros((9, 13), bool), 0
    for i in np.argsort(-candidates.scores, kind="stable"):
        y0, x0, y1, x1 = candidates.boxes[i].tolist()
        if not covered[y0:y1, x0:x1].any() and spent + candidates.areas_px[i] <= 45:
            covered[y0:y1, x0:x1] = True
            spent += int(candidates.areas_px[i])
            expected.append((0, y0, x0, y1, x1))
    assert boxes_of(select_regions(candidates, 45, costs=candidates.areas_px.astype(float))) == expected


def test_a_budget_in_seconds_passes_over_what_no_longer_fits():
    score = np.asarray([[4.0, 3.0, 2.0, 1.0]])
    candidates = patch_candidates([score], size_px=1)
    costs = np.asarray([6.0, 7.0, 3.0, 1.0])
    regions = select_regions(candidates, 10.0, costs=costs)
    assert [region.score for region in regions] == [4.0, 2.0, 1.0]
    assert sum(region.cost for region in regions) == 10.0
    by_cost = select_regions(candidates, 10.0, costs=costs, per_cost=True)
    assert [region.score for region in by_cost] == [1.0, 4.0, 2.0]
    assert by_cost[0].reason.endswith("score for its cost")


def test_superpixels_keep_their_number_box_and_mask():
    labels = np.asarray([[0, 0, 2, 2, 2], [0, 0, 2, 5, 5], [0, 0, 0, 5, 5]])
    score = np.where(labels == 5, 2.0, np.where(labels == 2, 1.0, 0.5))
    candidates = superpixel_candidates([score], [labels])
    assert candidates.superpixels.tolist() == [0, 2, 5]
    assert candidates.boxes.tolist() == [[0, 0, 3, 3], [0, 2, 2, 5], [1, 3, 3, 5]]
    assert candidates.areas_px.tolist() == [7, 4, 4]
    regions = select_regions(candidates, 2)
    assert [region.superpixel for region in regions] == [5, 2]  # their boxes touch, they do not
    np.testing.assert_array_equal(regions[1].mask(labels), labels == 2)


def test_the_mask_of_a_patch_is_its_box():
    region = select_regions(patch_candidates([np.eye(3, 4)], size_px=2), 1)[0]
    assert region.superpixel is None
    expected = np.zeros((3, 4), bool)
    expected[region.box] = True
    np.testing.assert_array_equal(region.mask(np.zeros((3, 4), int)), expected)


def test_what_is_annotated_is_not_asked_again():
    score, done = np.ones((4, 6)), np.zeros((4, 6), bool)
    done[0, 0] = done[3, 3] = True
    found = patch_candidates([score], size_px=2, annotated=[done])
    assert found.boxes.tolist() == [[0, 2, 2, 4], [0, 4, 2, 6], [2, 0, 4, 2], [2, 4, 4, 6]]
    labels = np.repeat(np.arange(3), 2)[None].repeat(4, axis=0)
    assert superpixel_candidates([score], [labels], annotated=[done]).superpixels.tolist() == [2]
    nothing = patch_candidates([score], size_px=2, annotated=[np.ones((4, 6), bool)])
    assert select_regions(nothing, 5) == ()


def test_equal_scores_keep_the_order_of_images_and_rows():
    regions = select_regions(patch_candidates([np.ones((2, 4)), np.ones((2, 4))], size_px=2), 3)
    assert boxes_of(regions) == [(0, 0, 0, 2, 2), (0, 0, 2, 2, 4), (1, 0, 0, 2, 2)]


def test_wrong_inputs_are_named():
    score = np.ones((4, 6))
    candidates = patch_candidates([score], size_px=2)
    for problem, call in (
        ("stride_px", lambda: patch_candidates([score], size_px=2, stride_px=3)),
        ("at least one image", lambda: patch_candidates([], size_px=2)),
        ("annotated", lambda: patch_candidates([score], size_px=2, annotated=[np.zeros((6, 4), bool)])),
        ("finite", lambda: patch_candidates([score * np.nan], size_px=2)),
        ("need superpixels of 1 images", lambda: superpixel_candidates([score], [])),
        ("budget", lambda: select_regions(candidates, 0)),
        ("max_per_image", lambda: select_regions(candidates, 3, max_per_image=0)),
        ("costs", lambda: select_regions(candidates, 3, costs=np.zeros(6))),
        ("costs", lambda: select_regions(candidates, 3, costs=np.ones(5))),
    ):
        with pytest.raises(InvalidInput, match=problem):
            call()
