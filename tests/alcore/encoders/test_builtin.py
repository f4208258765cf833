"""The encoder that ships with the package."""

import shutil

import numpy as np
import pytest

from alcore.encoders import ENCODERS, load_encoder
from alcore.encoders.builtin import WEIGHTS, BuiltinEncoder
from alcore.errors import InvalidInput, ModelFileError, UnknownName


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("builtin")


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_one_pass_gives_unit_vectors_and_dense_maps(encoder):
    encoding = encoder.encode([picture(40, 90), picture(300, 120, seed=1)])
    assert encoding.vectors.shape == (2, encoder.dim)
    assert encoding.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(encoding.vectors, axis=1), 1.0, atol=1e-5)
    assert encoding.dense.shape == (2, *encoder.dense_shape)
    assert encoding.dense.dtype == np.float16


def test_the_batch_around_an_image_does_not_change_its_vector(encoder):
    images = [picture(64, 64, seed=i) for i in range(18)]  # more than one internal chunk
    together = encoder.encode(images)
    alone = encoder.encode(images[17:])
    np.testing.assert_allclose(together.vectors[17], alone.vectors[0], atol=1e-4)
    np.testing.assert_allclose(together.dense[17], alone.dense[0], atol=1e-2)


def test_the_dense_map_follows_the_image(encoder):
    flat = np.full((200, 100, 3), 60, dtype=np.uint8)
    marked = flat.copy()
    marked[150:170, 10:30] = 250  # lower left
    change = np.abs(np.subtract(*encoder.encode([flat, marked]).dense.astype(np.float32))).sum(0)
    row, column = np.unravel_index(change.argmax(), change.shape)
    assert row >= 20
    assert column <= 12


def test_no_images_give_empty_arrays(encoder):
    encoding = encoder.encode([])
    assert encoding.vectors.shape == (0, encoder.dim)
    assert encoding.dense.shape == (0, *encoder.dense_shape)


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((0, 8, 3), np.uint8)]
)
def test_what_is_no_rgb_image_is_refused(encoder, image):
    with pytest.raises(InvalidInput, match="uint8 RGB"):
        encoder.encode([image])


def test_weights_are_small_and_name_the_encoder(encoder, tmp_path):
    assert WEIGHTS.stat().st_size <= 12_000_000
    assert encoder.encoder_id.startswith("builtin-")
    assert len(encoder.encoder_id) == len("builtin-") + 12
    copy = tmp_path / "copy.safetensors"
    shutil.copy(WEIGHTS, copy)
    assert BuiltinEncoder(copy).encoder_id == encoder.encoder_id


def test_truncated_and_missing_weights_are_refused(tmp_path):
    truncated = tmp_path / "half.safetensors"
    truncated.write_bytes(WEIGHTS.read_bytes()[:100_000])
    with pytest.raises(ModelFileError, match="truncated"):
        BuiltinEncoder(truncated)
    with pytest.raises(ModelFileError, match="does not exist"):
        BuiltinEncoder(tmp_path / "none.safetensors")


def test_the_registry_names_what_it_knows():
    assert set(ENCODERS) == {"builtin", "huggingface", "timm", "sam"}
    with pytest.raises(UnknownName, match="builtin, huggingface, sam, timm"):
        load_encoder("bultin")
    with pytest.raises(InvalidInput, match="huggingface:<"):
        load_encoder("huggingface")
    with pytest.raises(InvalidInput, match="nothing after"):
        load_encoder("builtin:other")
