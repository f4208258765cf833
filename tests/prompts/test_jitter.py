"""Jittered prompts: how far they stray, what stays, and what the masks that come of them say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prompts.errors import InvalidPrompt
from prompts.geometry import tight_box_of, validate_prompt
from prompts.jitter import JITTER_SHARE, disagreement, jitter_dice, jittered_masks, jittered_prompts
from prompts.types import Box, Point, Prompt, Scribble
from tests.prompts.fakes import BoxPredictor

SIZE = (20, 50)
PROMPT = Prompt(
    points=(Point(49.9, 19.9), Point(3.0, 4.0, 0)),
    box=Box(30.0, 5.0, 50.0, 15.0),
    scribbles=(Scribble(((10.0, 2.0), (12.0, 6.0)), 0),),
    low_res_logits=np.zeros((2, 5), np.float32),
)
EXTENT = Box(30.0, 5.0, 50.0, 15.0)


def block(r0: int, r1: int, c0: int, c1: int) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[r0:r1, c0:c1] = True
    return mask


@given(st.integers(0, 2**31))
def test_jittered_prompts_are_valid_near_and_of_the_same_kind(seed: int) -> None:
    moved = jittered_prompts(PROMPT, EXTENT, SIZE, n=3, rng=np.random.default_rng(seed))
    assert len(moved) == 3
    for one in moved:
        validate_prompt(one, SIZE)
        assert one.low_res_logits is None
        assert [p.label for p in one.points] == [1, 0]
        assert one.scribbles[0].label == 0
        for before, after in zip(PROMPT.points, one.points, strict=True):
            assert abs(before.x - after.x) <= JITTER_SHARE * 20 + 1e-9
            assert abs(before.y - after.y) <= JITTER_SHARE * 10 + 1e-9
        assert one.box is not None
        assert abs(one.box.x0 - 30) <= 1 + 1e-9
        assert one.box.x1 <= 50


def test_a_stroke_moves_as_a_whole() -> None:
    for one in jittered_prompts(PROMPT, EXTENT, SIZE, rng=np.random.default_rng(0)):
        (x0, y0), (x1, y1) = one.scribbles[0].xy
        assert (x1 - x0, y1 - y0) == pytest.approx((2.0, 4.0))


def test_the_same_seed_gives_the_same_prompts_and_none_is_refused() -> None:
    first, second = (jittered_prompts(PROMPT, EXTENT, SIZE, rng=np.random.default_rng(4)) for _ in range(2))
    assert first == second
    assert len(set(first)) == 8
    with pytest.raises(InvalidPrompt, match="at least 1 jittered prompt"):
        jittered_prompts(PROMPT, EXTENT, SIZE, n=0, rng=np.random.default_rng(0))


def test_masks_come_of_the_jittered_boxes_of_an_encoded_image() -> None:
    predictor = BoxPredictor()
    state = predictor.embed(np.zeros((*SIZE, 3), np.uint8))
    mask = block(5, 15, 20, 40)
    masks = jittered_masks(predictor, state, Prompt(box=tight_box_of(mask)), mask, n=4, rng=np.random.default_rng(1))
    assert masks.shape == (4, *SIZE)
    assert predictor.n_embeds == 1
    assert 0.85 < jitter_dice(mask, masks) < 1.0
    whole = Prompt(points=(Point(25.0, 10.0),))  # without a mask the image sets the scale
    empty = jittered_masks(predictor, state, whole, np.zeros(SIZE, bool), n=2, rng=np.random.default_rng(1))
    assert empty.any(axis=(1, 2)).all()


def test_jitter_dice_is_the_mean_by_hand_and_nothing_for_no_mask() -> None:
    mask = block(0, 2, 0, 4)  # 8 pixels
    others = np.stack([mask, block(0, 2, 0, 2), block(10, 12, 0, 4)])  # Dice 1, 2·4/12, 0
    assert jitter_dice(mask, others) == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert jitter_dice(np.zeros(SIZE, bool), np.zeros((2, *SIZE), bool)) == 0.0


@given(arrays(bool, (5, 3, 4)))
def test_disagreement_is_the_share_of_the_minority_whichever_side_it_is(masks: np.ndarray) -> None:
    found = disagreement(masks)
    for r in range(3):
        for c in range(4):
            votes = sum(bool(mask[r, c]) for mask in masks)
            assert found[r, c] == pytest.approx(min(votes, 5 - votes) / 5)
    np.testing.assert_allclose(disagreement(~masks), found)
