"""The embedding store: what goes in comes out, whoever writes, whoever is killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from alcore.embeddings import EmbeddingStore, embed_missing
from alcore.errors import Cancelled, InvalidInput, StoreError

DIM, DENSE = 6, (2, 3, 4)


def open_store(folder: Path, encoder_id="toy", dim=DIM):
    return EmbeddingStore(folder, encoder_id=encoder_id, dim=dim, dense_shape=DENSE)


def rows_of(keys):
    """Rows that follow from the key alone, so that any reader can check them."""
    vectors, dense = np.zeros((len(keys), DIM), np.float32), np.zeros((len(keys), *DENSE), np.float16)
    for i, key in enumerate(keys):
        rng = np.random.default_rng(list(key.encode()))
        vectors[i] = rng.normal(size=DIM)
        dense[i] = rng.normal(size=DENSE)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dense


def check_rows(store, keys):
    vectors, dense = rows_of(keys)
    np.testing.assert_allclose(store.vectors(keys), vectors, atol=1e-3)
    np.testing.assert_array_equal(store.dense(keys), dense)


@dataclass
class Encoded:
    vectors: np.ndarray
    dense: np.ndarray


class ToyEncoder:
    """Reads the key back from the picture."""

    encoder_id = "toy"

    def __init__(self):
        self.n_images = 0

    def encode(self, images):
        self.n_images += len(images)
        return Encoded(*rows_of([f"k{int(image[0, 0, 0])}" for image in images]))


def load_rgb(key):
    return np.full((4, 5, 3), int(key[1:]), np.uint8)


def test_rows_come_back_in_the_asked_order_also_after_reopening(tmp_path: Path):
    keys = [f"k{i}" for i in range(7)]
    store = open_store(tmp_path)
    assert store.append(keys[:3], *rows_of(keys[:3])) == 3
    assert store.append(keys[3:], *rows_of(keys[3:])) == 4
    asked = ["k5", "k0", "k5", "k3"]
    for opened in (store, open_store(tmp_path)):
        assert len(opened) == 7
        check_rows(opened, asked)
        assert opened.vectors(asked).dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(opened.vectors(asked), axis=1), 1, atol=1e-6)
    assert store.vectors([]).shape == (0, DIM)
    assert store.dense([]).shape == (0, *DENSE)


def test_missing_names_each_absent_key_once(tmp_path: Path):
    store = open_store(tmp_path)
    store.append(["k1"], *rows_of(["k1"]))
    assert store.missing(["k2", "k1", "k3", "k2"]) == ["k2", "k3"]
    assert "k1" in store
    assert "k2" not in store


def test_an_unknown_key_is_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match="embed them first"):
        open_store(tmp_path).vectors(["nowhere"])


def test_a_key_is_stored_once_and_the_first_row_stays(tmp_path: Path):
    store = open_store(tmp_path)
    store.append(["k1"], *rows_of(["k1"]))
    assert store.append(["k1", "k2"], *rows_of(["k9", "k2"])) == 1
    check_rows(store, ["k1", "k2"])


def test_a_second_process_sees_new_rows_after_refresh(tmp_path: Path):
    writer, reader = open_store(tmp_path), open_store(tmp_path)
    writer.append(["k1", "k2"], *rows_of(["k1", "k2"]))
    assert reader.missing(["k1"]) == ["k1"]
    assert reader.refresh() == 2
    check_rows(reader, ["k2", "k1"])
    reader.append(["k3"], *rows_of(["k3"]))
    assert writer.refresh() == 1
    check_rows(writer, ["k3", "k1"])


def test_a_store_of_another_encoder_or_shape_is_refused(tmp_path: Path):
    open_store(tmp_path)
    with pytest.raises(StoreError, match="another folder"):
        open_store(tmp_path, encoder_id="other")
    with pytest.raises(StoreError, match="another folder"):
        open_store(tmp_path, dim=7)
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        open_store(tmp_path)


def test_rows_that_are_not_finite_or_not_normalised_never_enter(tmp_path: Path):
    store = open_store(tmp_path)
    vectors, dense = rows_of(["k1"])
    for bad_vectors, bad_dense in ((vectors * np.nan, dense), (vectors * 2, dense), (vectors, dense * np.nan)):
        with pytest.raises(InvalidInput, match="must be finite"):
            store.append(["k1"], bad_vectors, bad_dense)
    with pytest.raises(InvalidInput, match="fit float16"):
        store.append(["k1"], vectors, np.full((1, *DENSE), 1e6, np.float32))
    with pytest.raises(InvalidInput, match="need vectors"):
        store.append(["k1", "k2"], vectors, dense)
    with pytest.raises(InvalidInput, match="distinct"):
        store.append(["k1", "k1"], *rows_of(["k1", "k1"]))
    assert len(open_store(tmp_path)) == 0


def test_bytes_that_a_killed_writer_left_are_cut_off(tmp_path: Path):
    store = open_store(tmp_path)
    store.append(["k1"], *rows_of(["k1"]))
    with (tmp_path / "vectors.f16").open("ab") as handle:
        handle.write(b"half a row")
    with (tmp_path / "index.txt").open("ab") as handle:
        handle.write(b"0badc0de k2")
    again = open_store(tmp_path)
    assert again.missing(["k1", "k2"]) == ["k2"]
    again.append(["k2", "k3"], *rows_of(["k2", "k3"]))
    check_rows(open_store(tmp_path), ["k1", "k2", "k3"])


def test_a_data_file_that_is_too_short_is_reported(tmp_path: Path):
    store = open_store(tmp_path)
    store.append(["k1"], *rows_of(["k1"]))
    os.truncate(tmp_path / "dense.f16", 3)
    with pytest.raises(StoreError, match=r"dense\.f16 has 3 bytes"):
        open_store(tmp_path)


def test_embedding_computes_each_image_once_and_reports_progress(tmp_path: Path):
    store, encoder, seen = open_store(tmp_path), ToyEncoder(), []
    keys = [f"k{i}" for i in range(10)]
    n = embed_missing(store, encoder, [*keys, "k3"], load_rgb, batch_size=4, progress=lambda *at: seen.append(at))
    assert (n, encoder.n_images) == (10, 10)
    assert seen == [(0, 10), (4, 10), (8, 10), (10, 10)]
    assert embed_missing(store, encoder, keys, load_rgb) == 0
    assert encoder.n_images == 10
    check_rows(store, keys)


def test_embedding_goes_on_where_it_was_stopped(tmp_path: Path):
    store, encoder = open_store(tmp_path), ToyEncoder()
    keys = [f"k{i}" for i in range(10)]

    def stop(done, total):
        if done >= 4:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        embed_missing(store, encoder, keys, load_rgb, batch_size=4, progress=stop)
    assert embed_missing(open_store(tmp_path), encoder, keys, load_rgb) == 6
    assert encoder.n_images == 10


def test_another_encoder_is_refused(tmp_path: Path):
    with pytest.raises(InvalidInput, match="not of 'toy'"):
        embed_missing(open_store(tmp_path, encoder_id="other"), ToyEncoder(), [], load_rgb)


WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from tests.alcore.test_embeddings import ToyEncoder, load_rgb, open_store, rows_of
    from alcore.embeddings import embed_missing
    mode, folder, first, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    store, keys = open_store(folder), [f"k{i}" for i in range(first, last)]
    print("ready", flush=True)
    if mode == "append":
        for start in range(0, len(keys), 3):
            store.append(keys[start:start + 3], *rows_of(keys[start:start + 3]))
    else:
        encoder = ToyEncoder()
        embed_missing(store, encoder, keys, load_rgb, batch_size=2)
        print(encoder.n_images, flush=True)
    """
)


def start_writer(mode, folder, first, last):
    arguments = [sys.executable, "-c", WRITER, mode, str(folder), str(first), str(last)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_store_survives_kill_9_in_the_middle_of_writing(tmp_path: Path):
    n_seen = 0
    for attempt in range(4):
        process = start_writer("append", tmp_path, 0, 100_000)
        time.sleep(0.05 + 0.037 * attempt)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        store = open_store(tmp_path)
        assert len(store) >= n_seen
        n_seen = len(store)
        check_rows(store, [f"k{i}" for i in range(n_seen)])
        assert store.append([f"k{n_seen}"], *rows_of([f"k{n_seen}"])) == 1
        n_seen += 1
    assert n_seen > 4


def test_two_processes_that_write_at_once_lose_and_double_nothing(tmp_path: Path):
    writers = [start_writer("append", tmp_path, 0, 60), start_writer("append", tmp_path, 30, 90)]
    for process in writers:
        process.communicate()
        assert process.returncode == 0
    store = open_store(tmp_path)
    assert len(store) == 90
    assert (tmp_path / "vectors.f16").stat().st_size == 90 * DIM * 2
    check_rows(store, [f"k{i}" for i in range(90)])


def test_two_processes_that_embed_at_once_compute_nothing_twice(tmp_path: Path):
    workers = [start_writer("embed", tmp_path, 0, 40), start_writer("embed", tmp_path, 0, 40)]
    counts = [int(process.communicate()[0]) for process in workers]
    assert sum(counts) == 40
    check_rows(open_store(tmp_path), [f"k{i}" for i in range(40)])
