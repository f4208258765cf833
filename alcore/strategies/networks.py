"""A small network trained by hand-written gradients: enough for discriminators on frozen embeddings, without torch."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32, Int64

from alcore.strategies.blocks import blocks

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Adam (Kingma & Ba 2015, Algorithm 1) over arrays that it changes in place; `decay` shrinks them (AdamW)."""

    def __init__(self, parameters: Sequence[Float32[np.ndarray, "..."]], rate: float, *, decay: float = 0.0) -> None:
        self._parameters, self._rate, self._decay = parameters, rate, decay
        self._first = [np.zeros_like(p) for p in parameters]
        self._second = [np.zeros_like(p) for p in parameters]
        self._n_steps = 0

    def step(self, gradients: Sequence[Float32[np.ndarray, "..."]]) -> None:
        """Go one step downhill."""
        self._n_steps += 1
        correction = np.sqrt(1 - _BETA_2**self._n_steps) / (1 - _BETA_1**self._n_steps)
        for parameter, gradient, first, second in zip(
            self._parameters, gradients, self._first, self._second, strict=True
        ):
            first += (1 - _BETA_1) * (gradient - first)
            second += (1 - _BETA_2) * (gradient**2 - second)
            parameter -= self._rate * (correction * first / (np.sqrt(second) + _EPSILON) + self._decay * parameter)


class Discriminator:
    """x -> relu(x @ w1 + b1) @ w2 + b2, the logit of being unlabeled."""

    def __init__(self, d: int, n_hidden: int, rng: np.random.Generator) -> None:
        self.parameters: list[Float32[np.ndarray, "..."]] = [
            he_normal(d, n_hidden, rng),
            np.zeros(n_hidden, np.float32),
            he_normal(n_hidden, 1, rng),
            np.zeros(1, np.float32),
        ]

    def hidden(self, x: Float32[np.ndarray, "b d"]) -> Float32[np.ndarray, "b h"]:
        """Return the activations of the hidden layer."""
        return np.maximum(x @ self.parameters[0] + self.parameters[1], 0)

    def logits(self, x: Float32[np.ndarray, "b d"]) -> Float32[np.ndarray, " b"]:
        """Return the logit of each row."""
        return (self.hidden(x) @ self.parameters[2] + self.parameters[3])[:, 0]

    def backward(
        self, x: Float32[np.ndarray, "b d"], targets: Float32[np.ndarray, " b"]
    ) -> tuple[list[Float32[np.ndarray, "..."]], Float32[np.ndarray, "b d"]]:
        """Return the gradients of the mean cross-entropy with `targets` (0 or 1) by the parameters, and by x."""
        hidden = self.hidden(x)
        logits = (hidden @ self.parameters[2] + self.parameters[3])[:, 0]
        d_logits = ((sigmoid(logits) - targets) / len(x))[:, None].astype(np.float32)
        d_hidden = d_logits @ self.parameters[2].T
        d_hidden[hidden <= 0] = 0
        gradients = [x.T @ d_hidden, d_hidden.sum(axis=0), hidden.T @ d_logits, d_logits.sum(axis=0)]
        return gradients, d_hidden @ self.parameters[0].T


class Standardizer:
    """Shifts rows to mean 0 and scales all of them by one number to mean square 1, as seen in a sample."""

    def __init__(self, sample: Float32[np.ndarray, "b d"]) -> None:
        self._shift = sample.mean(axis=0)
        spread = float(np.sqrt(((sample - self._shift) ** 2).mean()))
        self._scale = np.float32(1 / spread if spread > 1e-6 else 1.0)  # identical rows have no scale

    def __call__(self, rows: Float32[np.ndarray, "b d"]) -> Float32[np.ndarray, "b d"]:
        """Shift and scale."""
        return (rows - self._shift) * self._scale


def standardizer_of(embeddings: Float[np.ndarray, "n d"], rng: np.random.Generator) -> Standardizer:
    """Measure mean and scale on at most 4096 rows."""
    n = len(embeddings)
    rows = np.arange(n) if n <= 4096 else np.sort(rng.choice(n, 4096, replace=False))
    return Standardizer(np.concatenate([block for _, block in blocks(embeddings, rows.astype(np.int64))]))


def draw_rows(
    embeddings: Float[np.ndarray, "n d"], rows: Int64[np.ndarray, " m"], size: int, rng: np.random.Generator
) -> tuple[Int64[np.ndarray, " b"], Float32[np.ndarray, "b d"]]:
    """Draw a mini-batch of some rows, with replacement: row numbers and float32 embeddings."""
    drawn = np.sort(rng.choice(rows, size))
    return drawn, np.asarray(embeddings[drawn], dtype=np.float32)


def he_normal(n_in: int, n_out: int, rng: np.random.Generator) -> Float32[np.ndarray, "i o"]:
    """Draw first weights: He et al. 2015."""
    return (rng.normal(size=(n_in, n_out)) * np.sqrt(2 / n_in)).astype(np.float32)


def sigmoid(logits: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return 1 / (1 + exp(-logits)) without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * logits))
