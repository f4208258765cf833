"""Variational adversarial active learning on embeddings, with and without the ranking of predicted losses."""

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from alcore.errors import InvalidInput
from alcore.strategies.blocks import blocks
from alcore.strategies.networks import (
    Adam,
    Discriminator,
    draw_rows,
    he_normal,
    sigmoid,
    standardizer_of,
)
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import ranking
from alcore.types import PoolView, QueryResult

_HALF_BATCH = 64
_RATE = 3e-3
_RANK_STEPS, _RANK_RATE, _RANK_DECAY, _RANK_MARGIN = 200, 1e-2, 1e-2, 1.0


class LinearVae:
    """A variational autoencoder whose encoder and decoder are linear; the decoder may see a condition too."""

    def __init__(self, d: int, n_latent: int, n_conditions: int, rng: np.random.Generator) -> None:
        self.n_latent = n_latent
        self.parameters: list[Float32[np.ndarray, "..."]] = [
            he_normal(d, n_latent, rng),
            np.zeros(n_latent, np.float32),
            np.zeros((d, n_latent), np.float32),
            np.zeros(n_latent, np.float32),
            he_normal(n_latent + n_conditions, d, rng),
            np.zeros(d, np.float32),
        ]

    def means(self, x: Float32[np.ndarray, "b d"]) -> Float32[np.ndarray, "b z"]:
        """Return the mean of each row's latent distribution."""
        return x @ self.parameters[0] + self.parameters[1]

    def backward(
        self,
        x: Float32[np.ndarray, "b d"],
        condition: Float32[np.ndarray, "b r"],
        noise: Float32[np.ndarray, "b z"],
        d_means: Float32[np.ndarray, "b z"],
    ) -> list[Float32[np.ndarray, "..."]]:
        """Return the gradients of mean squared error + mean KL to N(0, 1), plus what comes down through the means."""
        b = np.float32(len(x))
        mean, log_variance = self.means(x), np.clip(x @ self.parameters[2] + self.parameters[3], -10, 10)
        spread = np.exp(log_variance / 2)
        code = np.concatenate([mean + spread * noise, condition], axis=1)
        d_output = 2 * (code @ self.parameters[4] + self.parameters[5] - x) / b
        d_sample = (d_output @ self.parameters[4].T)[:, : self.n_latent]
        d_mean = d_sample + mean / b + d_means
        d_log_variance = d_sample * noise * spread / 2 + (spread**2 - 1) / (2 * b)
        encoder = [x.T @ d_mean, d_mean.sum(axis=0), x.T @ d_log_variance, d_log_variance.sum(axis=0)]
        return [*encoder, code.T @ d_output, d_output.sum(axis=0)]


def adversarial_logits(
    embeddings: Float[np.ndarray, "n d"],
    labeled: Bool[np.ndarray, " n"],
    *,
    ranks: Float[np.ndarray, " n"] | None = None,
    n_latent: int = 32,
    n_hidden: int = 64,
    n_steps: int = 300,
    rng: np.random.Generator,
) -> Float32[np.ndarray, " n"]:
    """Score how surely an item is unlabeled to a discriminator that a variational autoencoder tries to deceive.

    Args:
        embeddings: one row per pool item, shifted and scaled here.
        labeled: True where the oracle has answered; both classes must occur, or all scores are 0.
        ranks: a number in 0..1 an item that decoder and discriminator see beside the latent mean (TA-VAAL).
        n_latent: latent dimensions, cut to d.
        n_hidden: hidden units of the discriminator.
        n_steps: rounds of one autoencoder step and one discriminator step on 64 + 64 rows.
        rng: first weights, mini-batches and latent noise.

    Returns:
        The logit of being unlabeled, of every item.

    Source: Sinha, Ebrahimi & Darrell 2019 (ICCV), Algorithm 1. Cost: O((n_steps·128 + n)·d·z), O(n) memory.
    """
    sides = [np.flatnonzero(labeled), np.flatnonzero(~labeled)]
    scores = np.zeros(len(labeled), dtype=np.float32)
    if len(sides[0]) == 0 or len(sides[1]) == 0:
        return scores
    conditions = np.zeros((len(labeled), 0), np.float32) if ranks is None else ranks.astype(np.float32)[:, None]
    d, n_latent = embeddings.shape[1], min(n_latent, embeddings.shape[1])
    scaled = standardizer_of(embeddings, rng)
    vae = LinearVae(d, n_latent, conditions.shape[1], rng)
    judge = Discriminator(n_latent + conditions.shape[1], n_hidden, rng)
    vae_optimizer, judge_optimizer = Adam(vae.parameters, _RATE), Adam(judge.parameters, _RATE)
    is_unlabeled = np.repeat(np.asarray([0, 1], np.float32), _HALF_BATCH)
    for _ in range(n_steps):
        drawn = [draw_rows(embeddings, side, _HALF_BATCH, rng) for side in sides]
        x, condition = scaled(np.concatenate([x for _, x in drawn])), conditions[np.concatenate([r for r, _ in drawn])]
        # The encoder wants every row to pass for labeled, the discriminator wants the truth.
        _, d_code = judge.backward(_coded(vae, x, condition), np.zeros_like(is_unlabeled))
        noise = rng.standard_normal(size=(len(x), n_latent), dtype=np.float32)
        vae_optimizer.step(vae.backward(x, condition, noise, d_code[:, :n_latent]))
        gradients, _ = judge.backward(_coded(vae, x, condition), is_unlabeled)
        judge_optimizer.step(gradients)
    for place, block in blocks(embeddings):
        scores[place] = judge.logits(_coded(vae, scaled(block), conditions[place]))
    return scores


def _coded(
    vae: LinearVae, x: Float32[np.ndarray, "b d"], condition: Float32[np.ndarray, "b r"]
) -> Float32[np.ndarray, "b q"]:
    """Put the latent mean and the condition side by side."""
    return np.concatenate([vae.means(x), condition], axis=1)


def loss_ranks(
    embeddings: Float[np.ndarray, "n d"],
    rows: Int64[np.ndarray, " m"],
    losses: Float[np.ndarray, " m"],
    *,
    rng: np.random.Generator,
) -> Float64[np.ndarray, " n"]:
    """Predict how every item's loss ranks, from the measured losses of some.

    Args:
        embeddings: one row per pool item.
        rows: items whose loss was measured.
        losses: their losses, any unit.
        rng: pairs to compare.

    Returns:
        A number in (0, 1) an item, larger where the loss is expected to be larger; 0.5 all over with fewer than two
        different losses.

    Source: the pairwise hinge of Yoo & Kweon 2019 (CVPR), max(0, 1 - sign(l_i - l_j)·(s_i - s_j)), for a linear
    score, squashed by a sigmoid. 200 Adam steps on 128 pairs. O(n·d).
    """
    ranks = np.full(len(embeddings), 0.5)
    if len(rows) < 2 or losses.max() == losses.min():
        return ranks
    scaled = standardizer_of(embeddings, rng)
    measured = scaled(np.asarray(embeddings[rows], dtype=np.float32))
    weights = np.zeros(embeddings.shape[1], dtype=np.float32)
    optimizer = Adam([weights], _RANK_RATE, decay=_RANK_DECAY)
    for _ in range(_RANK_STEPS):
        first, second = rng.integers(len(rows), size=(2, 2 * _HALF_BATCH))
        sign = np.sign(losses[first] - losses[second]).astype(np.float32)
        difference = measured[first] - measured[second]
        is_wrong = (sign * (difference @ weights) < _RANK_MARGIN) & (sign != 0)
        optimizer.step([-(sign * is_wrong) @ difference / np.float32(len(first))])
    for place, block in blocks(embeddings):
        ranks[place] = sigmoid((scaled(block) @ weights).astype(np.float64))
    return ranks


@register(
    "vaal",
    paper="Sinha et al. 2019 (arXiv:1904.00370)",
    phase="any",
    needs=frozenset({"embeddings"}),
    cost="O((s + n)·d·z) for s training rows, z latent dimensions",
    advice="Like discriminative_al in a compressed space that is made to hide what is labeled",
)
def vaal(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_latent: int = 32,
    n_steps: int = 300,
) -> QueryResult:
    """Take the items that an adversarially trained discriminator is surest to be unlabeled.

    Settings: `n_latent` latent dimensions; `n_steps` training rounds.

    Source: Sinha, Ebrahimi & Darrell 2019 (ICCV, arXiv:1904.00370): autoencoder and discriminator trained in turn,
    the lowest probability of being labeled is asked. Departures: on frozen embeddings with a linear encoder and
    decoder, in place of convolutions on images; the task model is not trained alongside; with nothing labeled the
    batch is drawn at random. Cost: s = 128 · n_steps training rows, then one pass over the pool.
    """
    _check_settings(n_latent, n_steps)
    logits = adversarial_logits(pool.embeddings, pool.labeled, n_latent=n_latent, n_steps=n_steps, rng=rng)
    return _least_labeled(pool, batch_size, logits, max_per_group, rng)


@register(
    "ta_vaal",
    paper="Kim et al. 2021 (CVPR), task-aware VAAL",
    phase="round",
    needs=frozenset({"embeddings", "losses"}),
    cost="O((s + n)·d·z) for s training rows, z latent dimensions",
    advice="VAAL that also looks at where the head is expected to fail",
)
def ta_vaal(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_latent: int = 32,
    n_steps: int = 300,
) -> QueryResult:
    """Take the items that look unlabeled to a discriminator that also sees how their predicted loss ranks.

    Settings: `n_latent` latent dimensions; `n_steps` training rounds.

    Source: Kim, Park, Kim & Chun 2021 (CVPR): VAAL whose decoder and discriminator are conditioned on the ranking of
    predicted losses. Departures: those of `vaal`; the ranker is a linear score of the embedding with the pairwise
    hinge of learning loss, where the paper trains a ranking GAN with the task model; labeled and unlabeled items both
    show their predicted rank, for measured ranks would give the labeled ones away. With nothing labeled the batch is
    drawn at random. Cost as `vaal`.
    """
    _check_settings(n_latent, n_steps)
    assert pool.losses is not None  # `select` has checked
    measured = np.flatnonzero(pool.labeled & (pool.losses >= 0))
    ranks = loss_ranks(pool.embeddings, measured, pool.losses[measured], rng=rng)
    logits = adversarial_logits(pool.embeddings, pool.labeled, ranks=ranks, n_latent=n_latent, n_steps=n_steps, rng=rng)
    return _least_labeled(pool, batch_size, logits, max_per_group, rng)


def _check_settings(n_latent: int, n_steps: int) -> None:
    """Refuse sizes below 1."""
    if n_latent < 1 or n_steps < 1:
        raise InvalidInput(f"n_latent and n_steps must be >= 1; got {n_latent} and {n_steps}")


def _least_labeled(
    pool: PoolView,
    batch_size: int,
    logits: Float[np.ndarray, " n"],
    max_per_group: int | None,
    rng: np.random.Generator,
) -> QueryResult:
    """Take the highest logits of being unlabeled."""
    rows = Quota(pool, max_per_group).take_in_order(ranking(logits, pool, rng), batch_size)
    if not pool.labeled.any():
        return QueryResult(rows=rows, reasons=("drawn at random: nothing was labeled yet",) * len(rows))
    chance = sigmoid(logits[rows].astype(np.float64))
    reasons = tuple(f"unlike the labeled: {p:.2f} sure that it is unlabeled" for p in chance.tolist())
    return QueryResult(rows=rows, scores=logits[rows], reasons=reasons)
