import pytest
import torch

from prompts.builtin.training import mistakes
from prompts.builtin.training.mistakes import JOINED_LOGIT, SHIFT, mistaken

N, PER_WINDOW = 400, 4


@pytest.fixture
def targets() -> torch.Tensor:
    """Objects that do not touch: number i of its window fills row i of four."""
    drawn = torch.zeros(N, 4, 4)
    drawn[torch.arange(N), torch.arange(N) % PER_WINDOW] = 1
    return drawn


def spoilt(targets: torch.Tensor, seed: int = 0) -> torch.Tensor:
    logits = (2 * targets - 1) * 3.0
    generator = torch.Generator().manual_seed(seed)
    return mistaken(logits, torch.arange(N), targets, generator, objects_per_window=PER_WINDOW) - logits


def test_some_answers_are_raised_or_lowered_as_a_whole_and_most_are_left_alone(targets) -> None:
    change = spoilt(targets).flatten(1)
    is_even = (change - change[:, :1]).abs().amax(1) < 1e-5
    shifts = change[is_even, 0]
    moved = shifts[shifts != 0]
    assert len(moved) / N == pytest.approx(mistakes.SHIFTED_SHARE, abs=0.08)
    assert (shifts == 0).sum() / N > 0.5
    assert SHIFT[0] <= moved.min() < 0
    assert 0 < moved.max() <= SHIFT[1]


def test_others_take_along_one_more_object_of_their_own_window(targets) -> None:
    change = spoilt(targets)
    joined = torch.nonzero((change.amax((1, 2)) == JOINED_LOGIT + 3.0) & (change.amin((1, 2)) == 0))[:, 0]
    grown = (change[joined] > JOINED_LOGIT).any(2)
    assert 0 < len(joined) < 2 * mistakes.JOINED_SHARE * N
    assert (grown.sum(1) == 1).all()
    assert not grown[torch.arange(len(joined)), joined % PER_WINDOW].any()


def test_answers_to_some_rows_join_objects_of_those_rows_windows() -> None:
    targets = torch.zeros(8, 2, 2)
    targets[6] = 1  # the only object that there is to join, in the second window
    rows = torch.tensor([0, 5])
    found = [
        mistaken(torch.full((2, 2, 2), -9.0), rows, targets, torch.Generator().manual_seed(seed), objects_per_window=4)
        for seed in range(60)
    ]
    joined = torch.stack([answer[:, 0, 0] == JOINED_LOGIT for answer in found])
    assert not joined[:, 0].any()
    assert joined[:, 1].any()


def test_who_errs_follows_from_the_generator(targets) -> None:
    assert torch.equal(spoilt(targets, 1), spoilt(targets, 1))
    assert not torch.equal(spoilt(targets, 1), spoilt(targets, 2))
