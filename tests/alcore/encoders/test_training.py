"""The self-supervised training of the built-in encoder: its images, views and losses, stopping and going on."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from alcore.encoders.builtin import BuiltinEncoder
from alcore.encoders.training.data import FOLDERS, is_held_out, list_samples, open_cache, sampling_weights
from alcore.encoders.training.evaluate import classic_features, coverage_radius, linear_probe, nearest_neighbours
from alcore.encoders.training.export import fit_whitening
from alcore.encoders.training.losses import cell_targets, vicreg
from alcore.encoders.training.train import train
from alcore.encoders.training.views import blot_out, corresponding_grid, crop, make_view


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A few noise images in the layout of the real sets."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name in FOLDERS:
        (root / name / "images").mkdir(parents=True)
        stems = [f"msd_{i}_7" for i in range(8)] if name == "ct_liver_msd" else [f"{name}{i}" for i in range(8)]
        if name == "us_nerve_usgra":
            stems[0] = "test_1"
        for stem in stems:
            pixels = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / "images" / f"{stem}.png")
        if name == "cls_cxr_nih":
            with (root / name / "labels.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["stem", "label", "patient"])
                writer.writerows([[stem, "covid19" if i < 3 else "pneumonia", "p1"] for i, stem in enumerate(stems)])
    (root / "mri_hippocampus_3d" / "images").mkdir(parents=True)
    return root


def test_non_commercial_and_held_out_images_never_train(data):
    used, kept = list_samples(data), list_samples(data, held_out=True)
    names = {(s.dataset, s.stem) for s in used}
    assert not names & {(s.dataset, s.stem) for s in kept}
    assert ("us_nerve_usgra", "test_1") not in names
    chest = {s.stem for s in used + kept if s.dataset == "cls_cxr_nih"}
    assert chest == {f"cls_cxr_nih{i}" for i in range(3, 8)}


def test_images_of_one_group_stay_on_one_side():
    assert is_held_out("fundus_chase", "Image_01L") == is_held_out("fundus_chase", "Image_01R")
    assert is_held_out("ct_liver_msd", "msd_5_10") == is_held_out("ct_liver_msd", "msd_5_99")
    assert is_held_out("cls_cxr_nih", "a", "patient 1") == is_held_out("cls_cxr_nih", "b", "patient 1")


def test_small_sets_are_drawn_more_often_than_their_share(data):
    samples = list_samples(data)
    weights = sampling_weights(samples)
    assert weights.sum() == pytest.approx(1.0)
    assert open_cache(samples[:2], data / "cache").shape == (2, 224, 224, 3)


def test_corresponding_cells_show_the_same_spot():
    ramp = torch.stack(torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij"))
    images = torch.cat([ramp, ramp[:1] * 0])[None] / 96
    one, two = (
        make_view(torch.zeros(1, 96, 96, 3, dtype=torch.uint8), generator=torch.Generator().manual_seed(seed), side=64)[
            0
        ]
        for seed in (3, 4)
    )
    grid, inside = corresponding_grid(one, two, 16)
    first = crop(images, one.frame, 16)
    moved = torch.nn.functional.grid_sample(
        crop(images, two.frame, 64), grid, align_corners=False, padding_mode="border"
    )
    assert inside.any()
    gap = (first - moved).abs().amax(1)[inside.bool()]
    assert gap.median() < 0.02


def test_blotted_squares_are_flat_and_marked():
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    blotted, hidden = blot_out(images, generator=torch.Generator().manual_seed(1))
    where = torch.nn.functional.interpolate(hidden, scale_factor=16).expand_as(images).bool()
    assert torch.equal(blotted[~where], images[~where])
    assert 0 < hidden.mean() < 1
    assert blotted[0, 0][where[0, 0]].std() < 1e-5


def test_vicreg_is_lowest_for_equal_spread_out_vectors():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(256, 8, generator=generator) * 2
    assert vicreg(z, z) < 0.05
    assert vicreg(z, torch.randn(256, 8, generator=generator) * 2) > vicreg(z, z)
    assert vicreg(z * 0, z * 0) == pytest.approx(0.99, abs=0.01)  # collapsed: full variance penalty


def test_targets_see_the_direction_of_an_edge():
    upright = torch.zeros(1, 3, 32, 32)
    upright[..., 18:] = 1.0
    lying = upright.transpose(-1, -2)
    a, b = cell_targets(upright)[0, :32, 1, 2], cell_targets(lying)[0, :32, 2, 1]
    assert (a - b).abs().max() > 1.0
    assert cell_targets(torch.full((1, 3, 16, 16), 0.5)).abs().max() < 1e-3


def test_a_stopped_run_goes_on_and_its_weights_load(data, tmp_path):
    settings = {"batch_size": 8, "seed": 0, "cache": data / "cache", "save_every": 2}
    train(data, tmp_path / "whole", steps=4, **settings)
    train(data, tmp_path / "parts", steps=4, stop_after=2, **settings)
    weights = train(data, tmp_path / "parts", steps=4, **settings)
    assert weights.read_bytes() == (tmp_path / "whole" / "builtin.safetensors").read_bytes()
    assert json.loads((tmp_path / "whole" / "log.jsonl").read_text().splitlines()[-1])["step"] == 4
    assert BuiltinEncoder(weights).encode([np.zeros((9, 9, 3), np.uint8)]).vectors.shape == (1, 256)


def test_neighbours_vote_by_similarity():
    reference = np.array([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [0, 1]], dtype=np.float32)
    labels = np.array(["a", "a", "b", "b", "b"])
    queries = np.array([[1, 0], [0, 1]], dtype=np.float32)
    assert list(nearest_neighbours(reference, labels, queries, k=5)) == ["a", "b"]
    assert list(nearest_neighbours(reference, labels, queries, k=1)) == ["a", "b"]


def test_classic_features_are_unit_rows_of_one_length():
    images = [np.random.default_rng(i).integers(0, 256, (50 + i, 80, 3), dtype=np.uint8) for i in range(2)]
    features = classic_features(images)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1.0, atol=1e-5)


def test_a_probe_finds_what_a_line_can_separate():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6)).astype(np.float32)
    labels = np.where(x[:, 0] > 0, "a", "b")
    assert (linear_probe(x[:200], labels[:200], x[200:]) == labels[200:]).mean() > 0.9


def test_coverage_is_the_mean_distance_to_the_nearest_chosen_row():
    x = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float64)
    assert coverage_radius(x, np.array([0])) == pytest.approx((0 + 2**0.5 + 2) / 3)
    assert coverage_radius(x, np.arange(3)) == pytest.approx(0)


def test_whitening_evens_out_directions_by_its_power():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 896)) @ np.diag(np.linspace(0.1, 5, 896)) + 3
    weights = np.full(400, 1 / 400)
    for power in (0.0, 0.5, 1.0):
        mean, matrix = fit_whitening(x, weights, power=power)
        z = (x - mean) @ matrix
        spread = z.std(axis=0)
        covariance = (z.T @ z) / 400
        assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-6 * covariance.max()
        rotated = (x - mean) @ fit_whitening(x, weights, power=0.0)[1]
        expected = (rotated.std(axis=0) / rotated.std(axis=0)[0]) ** (1 - power)
        np.testing.assert_allclose(spread / spread[0], expected, rtol=1e-4)


def test_whitening_of_few_images_leaves_unseen_directions_out():
    x = np.random.default_rng(0).normal(size=(5, 896))
    _, matrix = fit_whitening(x, np.full(5, 0.2))
    assert np.isfinite(matrix).all()
    assert (np.abs(matrix).max(axis=0) > 0).sum() == 4
