"""Classification head: a committee of small classifiers of embeddings, calibrated if labels allow."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn
from torch.nn import functional

from alcore.calibration import fit_temperature
from alcore.errors import InvalidInput
from alcore.heads.files import join_members, read_head, split_members, write_head
from alcore.heads.inputs import check_temperature
from alcore.heads.nearest import ClassMeans, NeighbourVotes
from alcore.pool import LinearHead
from alcore.types import Progress

Kind = Literal["linear", "mlp", "prototype", "knn"]
KINDS: tuple[Kind, ...] = get_args(Kind)
HIDDEN_WIDTH = 128
MIN_CALIBRATION_ITEMS = 20
"""Fewer out-of-fold predictions cannot tell a temperature from noise."""
_FILE_KIND = "classification"
_N_FOLDS = 4


@dataclass(frozen=True, kw_only=True)
class ClassificationHead:
    """A trained committee; give it vectors of the encoder that it was trained on."""

    members: tuple[nn.Module, ...]
    kind: Kind
    n_classes: int
    mean: Float[torch.Tensor, " d"]
    std: Float[torch.Tensor, " d"]
    temperature: float
    """Logits are divided by it; 1.0 where there were too few labels to choose it."""

    def predict(self, vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "s n c"]:
        """Give each member's class probabilities.

        Args:
            vectors: embeddings of the same encoder as in training.

        Returns:
            float32 probabilities; average over the first axis for one prediction.

        Raises:
            InvalidInput: rows are not finite or of another length than in training.
        """
        _check_vectors(vectors)
        if vectors.shape[1] != len(self.mean):
            raise InvalidInput(
                f"this head was trained on vectors of length {len(self.mean)}; got {vectors.shape[1]}: "
                "embed the images with the head's own encoder"
            )
        with torch.inference_mode():
            x = (torch.from_numpy(vectors).float() - self.mean) / self.std
            return torch.stack([(m(x) / self.temperature).softmax(1) for m in self.members]).numpy()

    def linear(self) -> LinearHead | None:
        """Give the members' mean logits as one linear layer on embeddings as they are.

        Class means are linear on embeddings of length 1 only, as encoders make them. None for perceptrons and votes.
        """
        if self.kind not in ("linear", "prototype"):
            return None
        prefix = "0." if self.kind == "linear" else ""
        states = [member.state_dict() for member in self.members]
        weights = torch.stack([state[f"{prefix}weight"] for state in states]).mean(0) / self.temperature
        bias = torch.stack([state[f"{prefix}bias"] for state in states]).mean(0) / self.temperature
        scaled = weights / self.std
        return LinearHead(weights=scaled.numpy(), bias=(bias - scaled @ self.mean).numpy())

    def tempered(self, temperature: float) -> "ClassificationHead":
        """The same head with another temperature (> 0); 1.0 takes calibration away."""
        return replace(self, temperature=check_temperature(temperature))

    def save(self, path: Path) -> None:
        """Write the head as safetensors with its description, whole or not at all."""
        tensors = join_members([member.state_dict() for member in self.members]) | {"mean": self.mean, "std": self.std}
        description = {
            "kind": _FILE_KIND,
            "layers": self.kind,
            "n_classes": self.n_classes,
            "n_members": len(self.members),
            "temperature": self.temperature,
        }
        write_head(path, tensors, description)


def train_classification_head(
    vectors: Float[np.ndarray, "n d"],
    targets: Int[np.ndarray, " n"],
    n_classes: int,
    *,
    seed: int,
    n_members: int = 5,
    kind: Kind = "linear",
    progress: Progress | None = None,
) -> ClassificationHead:
    """Train a committee from scratch: seconds for thousands of items.

    Args:
        vectors: embeddings of the labeled items.
        targets: class index of each, 0 .. n_classes - 1; a class may be absent.
        n_classes: number of classes.
        seed: the same seed and data give the same head.
        n_members: members; each sees a bootstrap sample of every class.
        kind: `linear`; `mlp` with one hidden layer; `prototype`, the nearest class mean; `knn`, votes of neighbours.
        progress: called after each member and fold with (done, total); what it raises stops the training.

    Returns:
        The trained head. Classes weigh alike in the loss, however rare.

    Raises:
        InvalidInput: shapes do not match, a class index is not allowed, or there are no items.
        Cancelled: raised by `progress`.

    Source: bootstrap committee as in query by bagging (Abe & Mamitsuka 1998); temperature scaling of Guo et al. 2017
    (arXiv:1706.04599), fitted on out-of-fold predictions instead of a validation set. O(steps·n·d) a member.
    """
    _check_vectors(vectors)
    _check_targets(vectors, targets, n_classes, kind)
    x = torch.from_numpy(vectors).float()
    mean, std = x.mean(0), x.std(0, correction=0).clamp(min=1e-4)
    if kind in ("prototype", "knn"):  # angles mean what they are in the encoder's own space
        mean, std = torch.zeros_like(mean), torch.ones_like(std)
    x, y = (x - mean) / std, torch.from_numpy(targets.astype(np.int64))
    folds = _folds(y, seed) if _can_calibrate(y) else []
    done, total = 0, n_members + len(folds)

    def fitted(rows: torch.Tensor, part_seed: int) -> nn.Module:
        nonlocal done
        member = _fit(x[rows], y[rows], n_classes, kind, seed=part_seed)
        done += 1
        if progress is not None:
            progress(done, total)
        return member

    members = tuple(fitted(_bootstrap(y, seed * 1009 + i), seed * 1009 + i) for i in range(n_members))
    temperature = 1.0
    if folds:
        logits, truth = _out_of_fold(x, y, folds, lambda rows: fitted(rows, seed * 1009 + n_members))
        temperature = fit_temperature(logits.softmax(1).numpy(), truth.numpy())
    return ClassificationHead(
        members=members, kind=kind, n_classes=n_classes, mean=mean, std=std, temperature=temperature
    )


def load_classification_head(path: Path) -> ClassificationHead:
    """Read a head that `save` wrote.

    Args:
        path: the file.

    Returns:
        The head, ready to predict.

    Raises:
        ModelFileError: the file is missing, truncated or holds something else.
    """
    tensors, description = read_head(path, _FILE_KIND)
    kind: Kind = description["layers"]
    dim, n_classes = len(tensors["mean"]), int(description["n_classes"])
    members = tuple(
        _new_member(dim, n_classes, kind, n_items=len(tensors.get(f"member{i}.bank", ()))).eval().requires_grad_(False)
        for i in range(int(description["n_members"]))
    )
    split_members(tensors, members, path)
    return ClassificationHead(
        members=members,
        kind=kind,
        n_classes=n_classes,
        mean=tensors["mean"],
        std=tensors["std"],
        temperature=float(description["temperature"]),
    )


def _new_member(dim: int, n_classes: int, kind: Kind, *, n_items: int) -> nn.Module:
    if kind == "prototype":
        return ClassMeans(dim, n_classes)
    if kind == "knn":
        return NeighbourVotes(dim, n_classes, n_items)
    if kind == "linear":
        return nn.Sequential(nn.Linear(dim, n_classes))
    return nn.Sequential(nn.Linear(dim, HIDDEN_WIDTH), nn.ReLU(), nn.Linear(HIDDEN_WIDTH, n_classes))


def _fit(x: torch.Tensor, y: torch.Tensor, n_classes: int, kind: Kind, *, seed: int) -> nn.Module:
    """Remember what there is to remember; else L-BFGS on class-balanced cross-entropy with an L2 penalty."""
    counts = torch.bincount(y, minlength=n_classes).float()
    weights = torch.where(counts > 0, len(y) / (counts.clamp(min=1) * (counts > 0).sum()), 0.0)
    penalty = 0.3 / len(y) ** 0.5 / x.shape[1] ** 0.5
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        member = _new_member(x.shape[1], n_classes, kind, n_items=len(y))
    if isinstance(member, ClassMeans | NeighbourVotes):
        return member.fit(x, y).eval()
    if kind == "linear":
        nn.init.zeros_(member.get_parameter("0.weight"))  # convex: start where nothing is claimed
    optimiser = torch.optim.LBFGS(member.parameters(), max_iter=100, line_search_fn="strong_wolfe")
    matrices = [p for p in member.parameters() if p.ndim == 2]

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = functional.cross_entropy(member(x), y, weight=weights)
        loss = loss + penalty * torch.stack([p.square().sum() for p in matrices]).sum()
        loss.backward()
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return member.eval().requires_grad_(False)


def _bootstrap(y: torch.Tensor, seed: int) -> torch.Tensor:
    """Draw as many items of each class as there are, with replacement, so that no class drops out."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for label in torch.unique(y):
        rows = (y == label).nonzero().flatten()
        parts.append(rows[torch.randint(len(rows), (len(rows),), generator=generator)])
    return torch.cat(parts)


def _can_calibrate(y: torch.Tensor) -> bool:
    """Say whether every class present can be in each training fold, and there are enough items."""
    counts = torch.bincount(y)
    return len(y) >= MIN_CALIBRATION_ITEMS and int((counts > 0).sum()) >= 2 and int(counts[counts > 0].min()) >= 2


def _folds(y: torch.Tensor, seed: int) -> list[torch.Tensor]:
    """Deal out each class in turn over the folds."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.cat(
        [
            rows[torch.randperm(len(rows), generator=generator)]
            for rows in ((y == c).nonzero().flatten() for c in torch.unique(y))
        ]
    )
    return [order[start::_N_FOLDS] for start in range(_N_FOLDS)]


def _out_of_fold(
    x: torch.Tensor, y: torch.Tensor, folds: list[torch.Tensor], fit: Callable[[torch.Tensor], nn.Module]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of each item from a member that never saw it, and the targets in the same order."""
    logits = []
    for fold in folds:
        kept = torch.ones(len(y), dtype=torch.bool)
        kept[fold] = False
        logits.append(fit(kept.nonzero().flatten())(x[fold]))
    return torch.cat(logits), y[torch.cat(folds)]


def _check_vectors(vectors: np.ndarray) -> None:
    """Refuse what is no matrix of finite numbers."""
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise InvalidInput(f"vectors must be a finite (n, d) array; got shape {vectors.shape}")


def _check_targets(vectors: np.ndarray, targets: np.ndarray, n_classes: int, kind: str) -> None:
    """Refuse labels that cannot be learned from."""
    if kind not in KINDS:
        raise InvalidInput(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    if n_classes < 2:
        raise InvalidInput(f"n_classes must be >= 2; got {n_classes}")
    if len(vectors) == 0 or targets.shape != (len(vectors),):
        raise InvalidInput(f"need one target for each of at least one vector; got {vectors.shape}, {targets.shape}")
    if targets.min() < 0 or targets.max() >= n_classes:
        raise InvalidInput(f"targets must lie in 0 .. {n_classes - 1}; got {targets.min()} .. {targets.max()}")
