"""The simulated annotator against hand-worked clicks, RITM's rule written slowly, and its own promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt

from prompts.errors import InvalidPrompt
from prompts.geometry import pixel_of, tight_box_of
from prompts.simulate import Dialogue, first_click, next_click, next_scribble, simulate_object, tight_box
from prompts.types import Box, Point, Scribble
from tests.prompts.fakes import ErodingPredictor, disc

SIZE = (40, 70)  # not square, and the disc is off the centre
DISC = disc(SIZE, 12, 51, 9)
IMAGE = (DISC[..., None] * np.array([255, 80, 10])).astype(np.uint8)


def slow_next_click(gt: np.ndarray, pred: np.ndarray, clicked: list[Point]) -> Point | None:
    """RITM's clicker pixel by pixel: distance to the nearest pixel outside the error region or the image."""
    height, width = gt.shape
    best = {}
    for label, region in ((1, gt & ~pred), (0, ~gt & pred)):
        depths = {}
        for r in range(height):
            for c in range(width):
                if region[r, c] and not any(pixel_of(p) == (r, c) for p in clicked):
                    depths[r, c] = min(
                        (r - i) ** 2 + (c - j) ** 2
                        for i in range(-1, height + 1)
                        for j in range(-1, width + 1)
                        if not (0 <= i < height and 0 <= j < width and region[i, j])
                    )
        best[label] = max(depths.items(), key=lambda item: (item[1], -item[0][0], -item[0][1]), default=((0, 0), 0))
    label = int(best[1][1] > best[0][1])
    (r, c), depth = best[label]
    return Point(c + 0.5, r + 0.5, label) if depth else None


masks = arrays(bool, (5, 8))


def test_the_first_click_is_the_centre_of_the_disc_in_x_and_y() -> None:
    assert first_click(DISC) == Point(51.5, 12.5, 1)


def test_the_first_click_on_an_object_at_the_border_stays_off_the_border() -> None:
    gt = np.zeros((10, 20), bool)
    gt[:, :5] = True
    assert pixel_of(first_click(gt)) == (2, 2)  # depth 3, the first of column 2 in reading order


def test_the_next_click_goes_to_the_deeper_error() -> None:
    gt, pred = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    gt[5:10, 5:10] = True  # missed: depth 3
    pred[20:27, 40:47] = True  # superfluous: depth 4
    assert next_click(gt, pred, ()) == Point(43.5, 23.5, 0)
    pred[22:27, 40:47] = False
    assert next_click(gt, pred, ()) == Point(7.5, 7.5, 1)


def test_a_tie_is_a_background_click_as_in_ritm() -> None:
    gt, pred = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    gt[2, 2] = pred[9, 9] = True
    assert next_click(gt, pred, ()) == Point(9.5, 9.5, 0)


def test_there_is_no_click_when_all_is_right_or_all_errors_were_clicked() -> None:
    assert next_click(DISC, DISC, ()) is None
    gt = np.zeros(SIZE, bool)
    gt[3, 4] = True
    assert next_click(gt, np.zeros(SIZE, bool), (Point(4.2, 3.9),)) is None


@settings(max_examples=40, deadline=None)
@given(masks, masks, st.lists(st.tuples(st.integers(0, 4), st.integers(0, 7)), max_size=3))
def test_the_click_is_that_of_the_slow_rule(gt: np.ndarray, pred: np.ndarray, pixels: list[tuple[int, int]]) -> None:
    clicked = [Point(c + 0.5, r + 0.5) for r, c in pixels]
    assert next_click(gt, pred, clicked) == slow_next_click(gt, pred, clicked)


@given(masks, masks)
def test_a_click_lies_on_an_error_and_says_what_is_true_there(gt: np.ndarray, pred: np.ndarray) -> None:
    click = next_click(gt, pred, ())
    assert (click is None) == bool((gt == pred).all())
    if click is not None:
        assert gt[pixel_of(click)] == bool(click.label) != pred[pixel_of(click)]


def test_a_long_error_is_stroked_along_its_middle() -> None:
    gt = np.zeros(SIZE, bool)
    gt[10:15, 5:60] = True
    stroke = next_scribble(gt, np.zeros(SIZE, bool), rng=np.random.default_rng(0))
    assert stroke is not None
    xs, ys = np.array(stroke.xy).T
    assert stroke.label == 1
    assert np.ptp(xs) >= 45
    assert np.mean(ys == 12.5) > 0.8  # the middle row
    assert np.abs(np.diff(np.array(stroke.xy), axis=0)).max() == 1  # from pixel to neighbouring pixel


def test_a_round_error_is_stroked_across() -> None:
    stroke = next_scribble(DISC, np.zeros(SIZE, bool), rng=np.random.default_rng(0))
    assert stroke is not None
    (x0, y0), (x1, y1) = stroke.xy[0], stroke.xy[-1]
    assert np.hypot(x1 - x0, y1 - y0) >= 8  # of 19 across
    depth = distance_transform_edt(DISC)
    assert min(depth[pixel_of(Point(x, y))] for x, y in stroke.xy) >= 0.5 * depth.max()


def test_the_stroke_goes_to_the_deeper_error_and_says_what_it_is() -> None:
    gt, pred = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    gt[5:10, 5:10] = True  # missed: depth 3
    pred[20:27, 40:60] = True  # superfluous: depth 4
    stroke = next_scribble(gt, pred, rng=np.random.default_rng(0))
    assert stroke is not None
    assert stroke.label == 0
    assert all(pred[pixel_of(Point(x, y))] for x, y in stroke.xy)


def test_a_speck_gets_a_stroke_of_one_pixel_and_no_error_none() -> None:
    gt = np.zeros(SIZE, bool)
    gt[3, 4] = True
    assert next_scribble(gt, np.zeros(SIZE, bool), rng=np.random.default_rng(0)) == Scribble(((4.5, 3.5),))
    assert next_scribble(gt, gt, rng=np.random.default_rng(0)) is None


@given(masks, masks, st.integers(0, 9))
def test_a_stroke_lies_on_errors_of_its_side_and_the_seed_decides(gt: np.ndarray, pred: np.ndarray, seed: int) -> None:
    stroke, again = (next_scribble(gt, pred, rng=np.random.default_rng(seed)) for _ in range(2))
    assert stroke == again
    assert (stroke is None) == bool((gt == pred).all())
    if stroke is not None:
        click = next_click(gt, pred, ())
        assert click is not None
        assert stroke.label == click.label
        for x, y in stroke.xy:
            assert gt[pixel_of(Point(x, y))] == bool(stroke.label) != pred[pixel_of(Point(x, y))]


def test_an_empty_object_has_no_first_click_and_no_box() -> None:
    with pytest.raises(InvalidPrompt, match="nothing to click"):
        first_click(np.zeros(SIZE, bool))
    with pytest.raises(InvalidPrompt, match="no True pixel"):
        tight_box(np.zeros(SIZE, bool))


def test_the_box_is_tight_and_in_xy() -> None:
    assert tight_box(DISC) == Box(42.0, 3.0, 61.0, 22.0)


@given(st.integers(0, 10_000), st.floats(0.01, 0.49))
def test_a_jittered_box_moves_each_side_by_no_more_than_its_share_and_stays_inside(seed: int, jitter: float) -> None:
    gt = disc(SIZE, 5, 51, 9)  # cut by the upper border
    exact, box = tight_box_of(gt), tight_box(gt, jitter=jitter, rng=np.random.default_rng(seed))
    allowed_x, allowed_y = jitter * (exact.x1 - exact.x0) + 1e-9, jitter * (exact.y1 - exact.y0) + 1e-9
    assert abs(box.x0 - exact.x0) <= allowed_x
    assert abs(box.x1 - exact.x1) <= allowed_x
    assert abs(box.y0 - exact.y0) <= allowed_y
    assert abs(box.y1 - exact.y1) <= allowed_y
    assert 0 <= box.x0 < box.x1 <= 70
    assert 0 <= box.y0 < box.y1 <= 40


def test_the_same_seed_jitters_alike_and_a_missing_rng_is_refused() -> None:
    boxes = [tight_box(DISC, jitter=0.1, rng=np.random.default_rng(s)) for s in (1, 1, 2)]
    assert boxes[0] == boxes[1] != boxes[2]
    with pytest.raises(InvalidPrompt, match="needs an rng"):
        tight_box(DISC, jitter=0.1)
    with pytest.raises(InvalidPrompt, match=r"\[0, 0.5\)"):
        tight_box(DISC, jitter=0.5, rng=np.random.default_rng(0))


def test_a_dialogue_carries_all_clicks_the_box_and_the_last_logits() -> None:
    model = ErodingPredictor()
    box = tight_box(DISC)
    dialogue = Dialogue(model, model.embed(IMAGE), box=box)
    dialogue.ask()
    dialogue.ask(Point(51.5, 12.5))
    dialogue.ask(Point(50.5, 12.5))
    assert [len(p.points) for p in model.prompts] == [0, 1, 2]
    assert all(p.box == box for p in model.prompts)
    assert model.prompts[0].low_res_logits is None
    assert model.prompts[2].low_res_logits is not None
    assert model.prompts[2].low_res_logits[12, 51] == np.float32(5.0) + np.float32(0.01)  # those of call 1, not 0


def test_a_dialogue_carries_all_strokes_beside_the_clicks() -> None:
    model = ErodingPredictor()
    dialogue = Dialogue(model, model.embed(IMAGE))
    one, two = Scribble(((50.5, 12.5), (52.5, 12.5))), Scribble(((1.5, 1.5),), 0)
    dialogue.ask(one)
    dialogue.ask(Point(51.5, 12.5))
    dialogue.ask(two)
    assert [p.scribbles for p in model.prompts] == [(one,), (one,), (one, two)]
    assert [len(p.points) for p in model.prompts] == [0, 1, 1]
    assert dialogue.scribbles == (one, two)


@pytest.mark.parametrize(
    ("prompts", "n_clicks", "n_boxes", "perfect"),
    [("exact", 0, 0, True), ("box", 0, 1, False), ("click", 4, 0, True), ("box+click", 4, 1, True)],
)
def test_each_way_of_prompting_costs_what_it_takes(prompts: str, n_clicks: int, n_boxes: int, perfect: bool) -> None:
    model = ErodingPredictor(start=4, boxed=1)
    done = simulate_object(
        model, model.embed(IMAGE), DISC, prompts=prompts, target_dice=0.99, rng=np.random.default_rng(0)
    )
    assert (done.n_clicks, done.n_boxes) == (n_clicks, n_boxes)
    assert (done.dice == 1.0) == perfect
    assert done.mask.shape == SIZE


def test_corrections_stop_at_the_target_or_at_the_last_click() -> None:
    model = ErodingPredictor(start=30)
    state = model.embed(IMAGE)
    rng = np.random.default_rng(0)
    assert simulate_object(model, state, DISC, prompts="click", max_clicks=3, rng=rng).n_clicks == 3
    easy = ErodingPredictor(start=4)
    assert simulate_object(easy, state, DISC, prompts="click", target_dice=0.5, rng=rng).n_clicks < 4


def test_a_click_that_makes_it_worse_is_undone_but_counted() -> None:
    class Worsening(ErodingPredictor):
        """The box gives one pixel too little, the first click all but one."""

        def predict(self, state, prompt, *, multimask=None):  # type: ignore[no-untyped-def]
            self.start = 6 + len(prompt.points)
            return super().predict(state, prompt, multimask=multimask)

    model = Worsening(boxed=1)
    done = simulate_object(
        model,
        model.embed(IMAGE),
        DISC,
        prompts="box+click",
        target_dice=0.999,
        max_clicks=2,
        rng=np.random.default_rng(0),
    )
    assert done.n_clicks == 2
    assert done.dice > 0.85


def test_an_unknown_way_an_empty_object_and_another_size_are_refused() -> None:
    model, rng = ErodingPredictor(), np.random.default_rng(0)
    state = model.embed(IMAGE)
    with pytest.raises(InvalidPrompt, match="empty"):
        simulate_object(model, state, np.zeros(SIZE, bool), prompts="box", rng=rng)
    with pytest.raises(InvalidPrompt, match=r"image's size \(40, 70\)"):
        simulate_object(model, state, DISC.T, prompts="box", rng=rng)
