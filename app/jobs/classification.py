"""Classification in jobs: heads on embeddings, balanced accuracy, a label to start from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from pydantic import JsonValue

from alcore.opinions import Opinion
from alcore.types import Progress
from app.jobs.learners import Fitted, ItemScores, Offer, joined_scores
from app.jobs.pool import Pool
from app.service.models import ClassificationHead
from app.store.database import Row


class ClassificationLearner:
    """Linear or small heads; the value of an image is 1 where its most likely class is right."""

    metric = "balanced_accuracy"
    notes: Mapping[str, JsonValue] = MappingProxyType({})

    def __init__(self, pool: Pool) -> None:
        self.items = pool.labeled()
        self.pool, self._models = pool, pool.ctx.models
        self.names = [str(c["name"]) for c in pool.classes]
        number = {name: i for i, name in enumerate(self.names)}
        self.targets = np.array([number[pool.answers[row["id"]]["label"]] for row in self.items], dtype=np.int64)
        if self.items:
            self.vectors = pool.store.vectors(pool.keys(self.items))

    def can_train(self) -> bool:
        """See `Learner`."""
        return len(set(self.targets.tolist())) >= 2

    def strata(self) -> list[str]:
        """See `Learner`."""
        return [self.names[target] for target in self.targets]

    def fit(self, folds: Sequence[np.ndarray], *, seed: int, progress: Progress) -> tuple[Fitted, ItemScores | None]:
        """See `Learner`: these heads are so cheap that each fold gets one of its own beside the one that is kept."""
        everything = np.arange(len(self.items))
        folds = [fold for fold in folds if len(set(np.delete(self.targets, fold).tolist())) >= 2]
        parts = []
        for done, fold in enumerate(folds, start=1):
            parts.append(FittedClassification(self._train(np.setdiff1d(everything, fold), seed), self).measure(fold))
            progress(done, len(folds) + 1)
        fitted = FittedClassification(self._train(everything, seed), self)
        progress(len(folds) + 1, len(folds) + 1)
        return fitted, joined_scores(len(self.items), folds, parts)

    def _train(self, rows: np.ndarray, seed: int) -> ClassificationHead:
        """Train on some of the labeled items."""
        kind = str(self.pool.project["head"])
        return self._models.train_classification(
            self.vectors[rows], self.targets[rows], len(self.names), kind=kind, seed=seed
        )

    def load(self, file: Path) -> Fitted:
        """See `Learner`."""
        return FittedClassification(self._models.load_classification(file), self)

    def summands(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """See `Learner`: right answers count by how rare their class is, which makes the mean balanced accuracy."""
        targets = self.targets[rows]
        n_of = np.bincount(targets, minlength=len(self.names)).astype(np.float64)
        scaled: np.ndarray = values * len(rows) / (n_of[targets] * np.count_nonzero(n_of))
        return scaled


class FittedClassification:
    """A classification head and the pool it is asked about."""

    def __init__(self, head: ClassificationHead, learner: ClassificationLearner) -> None:
        self._head, self._learner = head, learner

    def save(self, file: Path) -> None:
        """See `Fitted`."""
        self._head.save(file)

    def measure(self, rows: np.ndarray) -> ItemScores:
        """See `Fitted`."""
        mean, targets = self._head.predict(self._learner.vectors[rows]).mean(axis=0), self._learner.targets[rows]
        return ItemScores(values=(mean.argmax(axis=1) == targets) * 1.0, probabilities=mean, targets=targets)

    def score(self, items: Sequence[Row], progress: Progress) -> Opinion:
        """See `Fitted`."""
        committee = self._ask(items)
        progress(len(items), len(items))
        return Opinion(probabilities=committee.mean(axis=0), committee=committee, head=self._head.linear())

    def suggest(self, items: Sequence[Row], progress: Progress) -> list[Offer]:
        """See `Fitted`: the most likely class."""
        if not items:
            return []
        mean = self._ask(items).mean(axis=0)
        progress(len(items), len(items))
        return [
            Offer(
                item_id=row["id"],
                objects=[],
                label={"name": self._learner.names[int(p.argmax())], "confidence": round(float(p.max()), 4)},
            )
            for row, p in zip(items, mean, strict=True)
        ]

    def _ask(self, items: Sequence[Row]) -> np.ndarray:
        """Committee probabilities (s, n, c) of any items."""
        pool = self._learner.pool
        return self._head.predict(pool.store.vectors(pool.keys(items)))
