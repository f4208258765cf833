"""Other people's encoders, from tiny random checkpoints made here; the network stays off."""

import pickle

import numpy as np
import pytest
import torch

from alcore.encoders import load_encoder
from alcore.encoders.weights import read_tensors
from alcore.errors import InvalidInput, ModelFileError, UnknownName

IMAGES = [np.random.default_rng(i).integers(0, 256, (30 + i, 50, 3), dtype=np.uint8) for i in range(3)]
VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 28}


def save_model(config_class, model_class, folder, **settings):
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, config_class)(**settings)
    getattr(transformers, model_class)(config).save_pretrained(folder)
    return folder


def check(encoder, dim, dense_shape):
    encoding = encoder.encode(IMAGES)
    assert (encoder.dim, encoder.dense_shape) == (dim, dense_shape)
    assert encoding.vectors.shape == (3, dim)
    np.testing.assert_allclose(np.linalg.norm(encoding.vectors, axis=1), 1.0, atol=1e-5)
    assert encoding.dense.shape == (3, *dense_shape)
    assert encoding.dense.dtype == np.float16


def test_dinov2_gives_cls_beside_the_mean_patch(tmp_path):
    save_model("Dinov2Config", "Dinov2Model", tmp_path, patch_size=7, **VIT)
    check(load_encoder(f"huggingface:{tmp_path}"), 32, (16, 4, 4))


def test_register_tokens_are_dropped_from_the_dense_map(tmp_path):
    save_model(
        "Dinov2WithRegistersConfig", "Dinov2WithRegistersModel", tmp_path, patch_size=7, num_register_tokens=4, **VIT
    )
    check(load_encoder(f"huggingface:{tmp_path}"), 32, (16, 4, 4))


def test_a_plain_vit_takes_the_side_of_its_image_processor(tmp_path):
    import transformers

    save_model("ViTConfig", "ViTModel", tmp_path, patch_size=7, **VIT)
    transformers.ViTImageProcessor(size={"height": 42, "width": 42}).save_pretrained(tmp_path)
    check(load_encoder(f"huggingface:{tmp_path}"), 32, (16, 6, 6))


def test_a_conv_net_gives_its_deepest_stage_at_stride_16(tmp_path):
    save_model("ResNetConfig", "ResNetModel", tmp_path, embedding_size=8, hidden_sizes=[8, 12, 16, 24], depths=[1] * 4)
    check(load_encoder(f"huggingface:{tmp_path}"), 24, (16, 14, 14))


def test_the_id_changes_with_the_weights(tmp_path):
    for seed, name in ((0, "a/model"), (1, "b/model")):
        import transformers

        torch.manual_seed(seed)
        transformers.Dinov2Model(transformers.Dinov2Config(patch_size=7, **VIT)).save_pretrained(tmp_path / name)
    first, second = (load_encoder(f"huggingface:{tmp_path / n}").encoder_id for n in ("a/model", "b/model"))
    assert first != second
    assert first.startswith("huggingface-model-28-")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="cannot load"):
        load_encoder(f"huggingface:{tmp_path}")
    with pytest.raises(ModelFileError, match="downloads are off"):
        load_encoder("huggingface:nobody/no-such-model")


def test_truncated_safetensors_are_refused(tmp_path):
    save_model("Dinov2Config", "Dinov2Model", tmp_path, patch_size=7, **VIT)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(ModelFileError, match="cannot load"):
        load_encoder(f"huggingface:{tmp_path}")


def test_pickled_weights_are_refused(tmp_path):
    save_model("Dinov2Config", "Dinov2Model", tmp_path, patch_size=7, **VIT)
    (tmp_path / "model.safetensors").unlink()
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelFileError, match="pickled"):
        load_encoder(f"huggingface:{tmp_path}")


def test_weights_of_another_model_are_refused(tmp_path):
    other = save_model("ResNetConfig", "ResNetModel", tmp_path / "other", embedding_size=8, hidden_sizes=[8] * 4)
    save_model("Dinov2Config", "Dinov2Model", tmp_path / "mixed", patch_size=7, **VIT)
    (tmp_path / "mixed" / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(ModelFileError, match="another model"):
        load_encoder(f"huggingface:{tmp_path / 'mixed'}")


@pytest.fixture(scope="module")
def resnet_file(tmp_path_factory):
    """A timm checkpoint, classifier included."""
    import timm

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("timm") / "resnet.pth"
    torch.save({"state_dict": timm.create_model("resnet10t", pretrained=False).state_dict()}, path)
    return path


def test_a_timm_conv_net_loads_a_checkpoint_file(resnet_file):
    encoder = load_encoder(f"timm:resnet10t:{resnet_file}")
    side = int(encoder.encoder_id.split("-")[-2])
    check(encoder, 512, (256, -(-side // 16), -(-side // 16)))


def test_timm_refuses_unknown_names_and_absent_or_foreign_weights(resnet_file):
    with pytest.raises(UnknownName, match="unknown timm model"):
        load_encoder("timm:resnet_that_is_not")
    with pytest.raises(ModelFileError, match="downloads are off"):
        load_encoder("timm:resnet10t")
    with pytest.raises(ModelFileError, match="another model"):
        load_encoder(f"timm:resnet18:{resnet_file}")


class Trap:
    def __reduce__(self):
        return print, ("this must not run",)


def test_a_pickle_that_would_run_code_is_refused(tmp_path, capsys):
    trap, torch_trap, short = tmp_path / "trap.pth", tmp_path / "torch.pth", tmp_path / "short.pth"
    trap.write_bytes(pickle.dumps(Trap()))
    torch.save({"weights": Trap()}, torch_trap)
    torch.save({"weights": torch.zeros(1000)}, short)
    short.write_bytes(short.read_bytes()[:500])
    for path in (trap, torch_trap, short):
        with pytest.raises(ModelFileError, match="refused"):
            read_tensors(path)
    assert capsys.readouterr().out == ""


def test_what_is_no_state_dict_is_refused(tmp_path):
    torch.save([1, 2, 3], tmp_path / "list.pth")
    with pytest.raises(ModelFileError, match="no state dict"):
        read_tensors(tmp_path / "list.pth")
    with pytest.raises(InvalidInput, match="timm:<model>"):
        load_encoder("timm:")
