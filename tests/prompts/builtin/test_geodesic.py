"""Ways over the image: against shortest paths of a graph, and the maps that the decoder sees."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from prompts.builtin.geodesic import FAR, GEODESIC_MAPS, STEP, distances, geodesic_maps
from prompts.builtin.model import prompt_maps


def shortest_paths(pixels: np.ndarray, seed: tuple[int, int]) -> np.ndarray:
    """Distances from one cell by Dijkstra's algorithm over the four neighbours, for (3, h, w) pixels."""
    _, height, width = pixels.shape
    cell = np.arange(height * width).reshape(height, width)
    pairs = [(cell[:, :-1], cell[:, 1:]), (cell[:-1], cell[1:])]
    flat = pixels.reshape(3, -1)
    starts, ends = (np.concatenate([pair[i].ravel() for pair in pairs]) for i in (0, 1))
    lengths = np.sqrt(((flat[:, starts] - flat[:, ends]) ** 2).mean(0)) + STEP
    graph = csr_matrix((lengths, (starts, ends)), shape=(cell.size, cell.size))
    found: np.ndarray = dijkstra(graph, directed=False, indices=cell[seed]).reshape(height, width)
    return np.minimum(found, FAR)


def seeds_at(shape: tuple[int, int], *cells: tuple[int, int]) -> torch.Tensor:
    seeds = torch.zeros(1, 1, *shape, dtype=torch.bool)
    for row, col in cells:
        seeds[0, 0, row, col] = True
    return seeds


def test_over_even_ground_a_way_is_as_long_as_its_steps() -> None:
    far = distances(torch.zeros(1, 3, 9, 12), seeds_at((9, 12), (2, 3)))[0, 0]
    rows, cols = torch.meshgrid(torch.arange(9), torch.arange(12), indexing="ij")
    torch.testing.assert_close(far, STEP * ((rows - 2).abs() + (cols - 3).abs()).float())


def test_even_on_rough_ground_ways_are_hardly_longer_than_the_shortest_paths_of_a_graph() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        pixels = np.cumsum(rng.normal(0, 0.2, (3, 24, 20)), axis=2).astype(np.float32)
        wanted = shortest_paths(pixels, (10, 4))
        got = distances(torch.from_numpy(pixels)[None], seeds_at((24, 20), (10, 4)))[0, 0].numpy()
        assert (got >= wanted - 1e-4).all()
        assert np.mean(got - wanted) <= 0.05 * np.mean(wanted)


def test_a_way_leads_round_a_wall_through_its_gap_and_is_long_across_it() -> None:
    pixels = torch.zeros(1, 3, 16, 16)
    pixels[:, :, :, 8] = 3.0
    closed = distances(pixels, seeds_at((16, 16), (8, 2)))[0, 0]
    pixels[:, :, 0, 8] = 0.0
    opened = distances(pixels, seeds_at((16, 16), (8, 2)))[0, 0]
    assert closed[8, 12] > 6
    torch.testing.assert_close(opened[8, 12], torch.tensor(STEP * (8 + 10 + 8)))
    assert closed[0, 0] == opened[0, 0]


def test_of_two_seeds_the_nearer_counts_and_none_is_far_from_everything() -> None:
    pixels = torch.zeros(1, 3, 8, 8)
    far = distances(pixels, seeds_at((8, 8), (0, 0), (7, 7)))[0, 0]
    assert far[6, 7].item() == pytest.approx(STEP)
    assert (distances(pixels, seeds_at((8, 8))) == FAR).all()


def test_maps_of_no_prompt_are_empty() -> None:
    maps = prompt_maps(torch.zeros(1, 0, 3), torch.zeros(1, 4), torch.zeros(1, 128, 128))
    assert (geodesic_maps(torch.randn(1, 3, 128, 128), maps) == 0).all()


def test_what_lies_on_the_clicks_side_of_an_edge_is_nearer_to_the_click() -> None:
    pixels = torch.zeros(1, 3, 128, 128)
    pixels[:, :, 30:90, 30:90] = 2.0
    clicks = torch.tensor([[[120.0, 120.0, 1.0], [20.0, 200.0, 0.0]]])  # window pixels: four to a cell
    near = geodesic_maps(pixels, prompt_maps(clicks, torch.zeros(1, 4), torch.zeros(1, 128, 128)))[0]
    assert near.shape == (GEODESIC_MAPS, 64, 64)
    assert near[0, 30, 30] == 1  # the click itself
    assert near[1, 50, 5] == 1  # the click away
    assert near[8, 40, 40] > 0.3
    assert near[8, 50, 40] < -0.1
    assert (near[[2, 3, 6, 7]] == 0).all()  # no box


def test_outside_of_a_box_all_is_near_to_the_outside() -> None:
    box = torch.tensor([[80.0, 60.0, 160.0, 120.0]])
    maps = prompt_maps(torch.zeros(1, 0, 3), box, torch.zeros(1, 128, 128))
    near = geodesic_maps(torch.zeros(1, 3, 128, 128), maps)[0]
    outside = torch.ones(64, 64, dtype=torch.bool)
    outside[15:30, 20:40] = False
    assert (near[3][outside] == 1).all()
    assert (near[3][~outside] < 1).all()
    assert near[2, 22, 30] == 1  # the middle
    assert near[8, 22, 30] > 0 > near[8, 5, 5]


def test_of_two_prompts_each_has_what_it_would_have_alone() -> None:
    pixels = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    points = torch.tensor([[[100.0, 60.0, 1.0]], [[0.0, 0.0, -1.0]]])
    boxes = torch.tensor([[0.0, 0.0, 0.0, 0.0], [40.0, 60.0, 200.0, 180.0]])
    maps = prompt_maps(points, boxes, torch.zeros(2, 128, 128))
    together = geodesic_maps(pixels, maps)
    for k in range(2):
        torch.testing.assert_close(together[k : k + 1], geodesic_maps(pixels[k : k + 1], maps[k : k + 1]))
    there = [[bool(near.any()) for near in one[:4]] for one in together]
    assert there == [[True, False, False, False], [False, False, True, True]]
