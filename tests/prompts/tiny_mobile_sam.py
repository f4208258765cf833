"""MobileSAM checkpoints as its makers save them: their names, their order of stages; and a slow reading of them.

`encode` is written from the description of TinyViT alone and takes the file's own names, so that it agrees with
`prompts.mobile_sam` only if every tensor went to its place.
"""

import math

import torch
from segment_anything.modeling import MaskDecoder, PromptEncoder, TwoWayTransformer
from torch import Tensor
from torch.nn import functional

TINY = {"dims": (8, 16, 24, 32), "depths": (2, 2, 3, 2), "heads": (1, 2, 4, 4), "windows": (1, 3, 4, 3)}
PUBLISHED = {"dims": (64, 128, 160, 320), "depths": (2, 2, 6, 2), "heads": (2, 4, 5, 10), "windows": (7, 7, 14, 7)}
Sizes = dict[str, tuple[int, ...]]
ENCODER = "image_encoder"


def make_state_dict(
    sizes: Sizes = TINY, *, prompt_dim: int = 32, image_px: int = 96, mlp_dim: int = 40, seed: int = 0
) -> dict[str, Tensor]:
    """Random weights under MobileSAM's names, classifier included."""
    torch.manual_seed(seed)
    dims, weights = sizes["dims"], {}

    def linear(name: str, n_out: int, n_in: int) -> None:
        weights[f"{name}.weight"] = torch.randn(n_out, n_in) / math.sqrt(n_in)
        weights[f"{name}.bias"] = torch.randn(n_out) * 0.1

    def norm(name: str, n: int) -> None:
        weights[f"{name}.weight"], weights[f"{name}.bias"] = torch.rand(n) + 0.5, torch.randn(n) * 0.1

    def conv_norm(name: str, n_out: int, n_in: int, side: int) -> None:
        weights[f"{name}.c.weight"] = torch.randn(n_out, n_in, side, side) / math.sqrt(n_in * side**2)
        norm(f"{name}.bn", n_out)
        weights[f"{name}.bn.running_mean"] = torch.randn(n_out) * 0.1
        weights[f"{name}.bn.running_var"] = torch.rand(n_out) + 0.5
        weights[f"{name}.bn.num_batches_tracked"] = torch.tensor(7)

    conv_norm(f"{ENCODER}.patch_embed.seq.0", dims[0] // 2, 3, 3)
    conv_norm(f"{ENCODER}.patch_embed.seq.2", dims[0], dims[0] // 2, 3)
    for i, dim in enumerate(dims):
        for k in range(sizes["depths"][i]):
            block = f"{ENCODER}.layers.{i}.blocks.{k}"
            if i == 0:
                conv_norm(f"{block}.conv1", 4 * dim, dim, 1)
                conv_norm(f"{block}.conv2", 4 * dim, 1, 3)
                conv_norm(f"{block}.conv3", dim, 4 * dim, 1)
                continue
            weights[f"{block}.attn.attention_biases"] = torch.randn(sizes["heads"][i], sizes["windows"][i] ** 2)
            norm(f"{block}.attn.norm", dim)
            linear(f"{block}.attn.qkv", 3 * dim, dim)
            linear(f"{block}.attn.proj", dim, dim)
            norm(f"{block}.mlp.norm", dim)
            linear(f"{block}.mlp.fc1", 4 * dim, dim)
            linear(f"{block}.mlp.fc2", dim, 4 * dim)
            conv_norm(f"{block}.local_conv", dim, 1, 3)
        if i < 3:
            for name, n_in, side in (("conv1", dim, 1), ("conv2", 1, 3), ("conv3", dims[i + 1], 1)):
                conv_norm(f"{ENCODER}.layers.{i}.downsample.{name}", dims[i + 1], n_in, side)
    norm(f"{ENCODER}.norm_head", dims[-1])
    linear(f"{ENCODER}.head", 1000, dims[-1])
    weights[f"{ENCODER}.neck.0.weight"] = torch.randn(prompt_dim, dims[-1], 1, 1) / math.sqrt(dims[-1])
    norm(f"{ENCODER}.neck.1", prompt_dim)
    weights[f"{ENCODER}.neck.2.weight"] = torch.randn(prompt_dim, prompt_dim, 3, 3) / math.sqrt(9 * prompt_dim)
    norm(f"{ENCODER}.neck.3", prompt_dim)
    return weights | _decoder(prompt_dim, image_px, mlp_dim)


def _decoder(prompt_dim: int, image_px: int, mlp_dim: int) -> dict[str, Tensor]:
    """Prompt encoder and mask decoder, which are SAM's own."""
    transformer = TwoWayTransformer(depth=2, embedding_dim=prompt_dim, mlp_dim=mlp_dim, num_heads=8)
    decoder = MaskDecoder(num_multimask_outputs=3, transformer=transformer, transformer_dim=prompt_dim)
    grid = (image_px // 16, image_px // 16)
    prompts = PromptEncoder(prompt_dim, grid, (image_px, image_px), 16)
    parts = (("prompt_encoder", prompts), ("mask_decoder", decoder))
    return {f"{name}.{key}": value for name, part in parts for key, value in part.state_dict().items()}


def encode(weights: dict[str, Tensor], pixels: Tensor, sizes: Sizes = TINY) -> Tensor:
    """One image (1, 3, s, s) to its embedding (1, d, s/16, s/16), token by token."""
    w = {key.removeprefix(f"{ENCODER}."): value for key, value in weights.items() if key.startswith(ENCODER)}
    dims = sizes["dims"]

    def conv_norm(x: Tensor, name: str, *, stride: int = 1) -> Tensor:
        kernel = w[f"{name}.c.weight"]
        groups = x.shape[1] // kernel.shape[1]
        x = functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2, groups=groups)
        scale = w[f"{name}.bn.weight"] / torch.sqrt(w[f"{name}.bn.running_var"] + 1e-5)
        shift = w[f"{name}.bn.bias"] - w[f"{name}.bn.running_mean"] * scale
        return x * scale[:, None, None] + shift[:, None, None]

    def layer_norm(x: Tensor, name: str, eps: float = 1e-5) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], eps)

    def linear(x: Tensor, name: str) -> Tensor:
        return functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def attend(tokens: Tensor, name: str, n_heads: int, side: int) -> Tensor:
        """Tokens (side * side, c) of one window; the bias depends on the offset, numbered by first appearance."""
        at = [(row, col) for row in range(side) for col in range(side)]
        bias = torch.zeros(n_heads, len(at), len(at))
        for a, (ra, ca) in enumerate(at):
            for b, (rb, cb) in enumerate(at):
                bias[:, a, b] = w[f"{name}.attention_biases"][:, abs(ra - rb) * side + abs(ca - cb)]
        qkv = linear(layer_norm(tokens, f"{name}.norm"), f"{name}.qkv").reshape(len(at), n_heads, 3, -1)
        query, key, value = qkv.permute(2, 1, 0, 3)
        weight = torch.softmax(query @ key.transpose(1, 2) / math.sqrt(query.shape[-1]) + bias, dim=-1)
        return linear((weight @ value).transpose(0, 1).reshape(len(at), -1), f"{name}.proj")

    x = functional.gelu(conv_norm(pixels, "patch_embed.seq.0", stride=2))
    x = conv_norm(x, "patch_embed.seq.2", stride=2)
    for i, dim in enumerate(dims):
        for k in range(sizes["depths"][i]):
            name = f"layers.{i}.blocks.{k}"
            if i == 0:
                inner = functional.gelu(conv_norm(x, f"{name}.conv1"))
                inner = functional.gelu(conv_norm(inner, f"{name}.conv2"))
                x = functional.gelu(x + conv_norm(inner, f"{name}.conv3"))
                continue
            side, rows, cols = sizes["windows"][i], x.shape[2], x.shape[3]
            padded = functional.pad(x, (0, -cols % side, 0, -rows % side))
            attended = torch.zeros_like(padded)
            for top in range(0, padded.shape[2], side):
                for left in range(0, padded.shape[3], side):
                    at = (0, slice(None), slice(top, top + side), slice(left, left + side))
                    tokens = attend(padded[at].reshape(dim, -1).T, f"{name}.attn", sizes["heads"][i], side)
                    attended[at] = tokens.T.reshape(dim, side, side)
            x = conv_norm(x + attended[:, :, :rows, :cols], f"{name}.local_conv")
            tokens = x.permute(0, 2, 3, 1)
            inner = functional.gelu(linear(layer_norm(tokens, f"{name}.mlp.norm"), f"{name}.mlp.fc1"))
            x = (tokens + linear(inner, f"{name}.mlp.fc2")).permute(0, 3, 1, 2)
        if i < 3:
            x = functional.gelu(conv_norm(x, f"layers.{i}.downsample.conv1"))
            x = functional.gelu(conv_norm(x, f"layers.{i}.downsample.conv2", stride=1 if i == 2 else 2))
            x = conv_norm(x, f"layers.{i}.downsample.conv3")
    for number, padding in ((0, 0), (2, 1)):
        x = functional.conv2d(x, w[f"neck.{number}.weight"], padding=padding)
        x = layer_norm(x.permute(0, 2, 3, 1), f"neck.{number + 1}", 1e-6).permute(0, 3, 1, 2)
    return x
