"""Members trained side by side are those that would be trained one after the other."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from alcore.errors import Cancelled
from alcore.heads.committee import train_together
from alcore.heads.decoder import ChannelDropout
from alcore.heads.segmentation import train_segmentation_head


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def steps(n: int, result: nn.Module, threads_seen: list[int] | None = None):
    def train(tick):
        if threads_seen is not None:
            threads_seen.append(torch.get_num_threads())
        for _ in range(n):
            tick()
        return result

    return train


@pytest.mark.parametrize(("n_threads", "each"), [(1, 1), (2, 1), (4, 2)])
def test_members_come_in_order_and_share_the_threads(threads: None, n_threads: int, each: int):
    torch.set_num_threads(n_threads)
    members = [nn.Linear(1, 1) for _ in range(2)]
    seen: list[int] = []
    reported: list[tuple[int, int]] = []
    made = train_together(
        [steps(3, members[0], seen), steps(3, members[1], seen)],
        n_steps=6,
        progress=lambda done, total: reported.append((done, total)),
    )
    assert made == tuple(members)
    assert seen == [each, each]
    assert reported == [(done, 6) for done in range(1, 7)]
    assert torch.get_num_threads() == n_threads


def test_with_two_threads_members_run_at_the_same_time(threads: None):
    torch.set_num_threads(2)
    both = threading.Barrier(3)

    def train(tick):
        both.wait(timeout=20)  # breaks, should one have to wait for another's end
        return nn.Identity()

    assert len(train_together([train] * 3, n_steps=0)) == 3


def test_what_progress_raises_stops_all_members(threads: None):
    torch.set_num_threads(2)
    ended = []

    def train(tick):
        try:
            while True:
                tick()
        finally:
            ended.append(True)

    def stop(done, total):
        raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        train_together([train, train], n_steps=10**9, progress=stop)
    assert ended == [True, True]


def test_a_members_error_reaches_the_caller(threads: None):
    def fail(tick):
        raise ValueError("no such luck")

    with pytest.raises(ValueError, match="no such luck"):
        train_together([steps(2, nn.Identity()), fail], n_steps=4)


def test_side_by_side_gives_the_weights_of_one_after_the_other(threads: None):
    rng = np.random.default_rng(0)
    dense = rng.standard_normal((4, 6, 4, 4)).astype(np.float32)
    images = rng.integers(0, 255, (4, 32, 32, 3), dtype=np.uint8)
    targets = rng.integers(0, 2, (4, 32, 32)).astype(np.uint8)
    weights = []
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        head = train_segmentation_head(dense, images, targets, 2, seed=3, n_members=2, steps=5)
        weights.append([member.state_dict() for member in head.members])
    for alone, beside in zip(*weights, strict=True):
        assert all(torch.equal(alone[name], beside[name]) for name in alone)


def test_channel_dropout_drops_whole_channels_keeps_the_mean_and_draws_for_itself():
    torch.manual_seed(1)
    layer, x = ChannelDropout(0.25), torch.ones(50, 80, 2, 2)
    state = torch.get_rng_state()
    dropped = layer(x)
    assert torch.equal(torch.get_rng_state(), state)
    assert sorted(dropped.unique().tolist()) == pytest.approx([0, 4 / 3])
    assert torch.equal(dropped.amax((2, 3)), dropped.amin((2, 3)))
    assert float(dropped.mean()) == pytest.approx(1, abs=0.03)
    assert torch.equal(layer.eval()(x), x)
