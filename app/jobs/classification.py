"""Classification in jobs: heads on embeddings, balanced accuracy, a label to start from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from alcore.heads.registry import candidates
from alcore.opinions import Opinion
from alcore.types import Progress
from app.jobs.learners import Fitted, ItemScores, Offer, best_trial, joined_scores
from app.jobs.pool import Pool
from app.service.models import ClassificationHead
from app.store.database import Row


class ClassificationLearner:
    """Small heads on embeddings; the value of an image is 1 where its most likely class is right."""

    metric = "balanced_accuracy"

    def __init__(self, pool: Pool, items: Sequence[Row]) -> None:
        self.items = items
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
        names = candidates(str(self.pool.project["head"]), "classification", len(self.items))
        folds = [fold for fold in folds if len(set(np.delete(self.targets, fold).tolist())) >= 2]
        total = 1 + len(names) * len(folds)
        trials: dict[str, ItemScores] = {}
        for name in names:
            parts = []
            for done, fold in enumerate(folds, start=1 + len(trials) * len(folds)):
                head = self._train(name, np.setdiff1d(everything, fold), seed)
                parts.append(FittedClassification(head, self, {}).measure(fold))
                progress(done, total)
            scores = joined_scores(len(self.items), folds, parts)
            if scores is not None:
                trials[name] = scores
        facts: dict[str, JsonValue] = {"head": names[0]}
        if trials:
            facts["head"], tried = best_trial(self, trials)
            facts |= {"head_scores": tried} if len(tried) > 1 else {}
        head = self._train(str(facts["head"]), everything, seed)
        progress(total, total)
        facts["temperature"] = round(head.temperature, 4)
        return FittedClassification(head, self, facts), trials.get(str(facts["head"]))

    def _train(self, head: str, rows: np.ndarray, seed: int) -> ClassificationHead:
        """Train on some of the labeled items."""
        return self._models.train_classification(
            self.vectors[rows], self.targets[rows], len(self.names), kind=head, seed=seed
        )

    def fit_parts(self, parts: Sequence[np.ndarray], *, seed: int, progress: Progress) -> list[Fitted]:
        """See `Learner`."""
        name = candidates(str(self.pool.project["head"]), "classification", len(self.items))[0]
        heads: list[Fitted] = []
        for part in parts:
            heads.append(FittedClassification(self._train(name, part, seed), self, {}))
            progress(len(heads), len(parts))
        return heads

    def adopt(self, fitted: Fitted) -> Fitted:
        """See `Learner`."""
        assert isinstance(fitted, FittedClassification)
        return FittedClassification(fitted.head, self, fitted.facts)

    def load(self, file: Path) -> Fitted:
        """See `Learner`."""
        return FittedClassification(self._models.load_classification(file), self, {})

    def classes(self, rows: np.ndarray) -> np.ndarray:
        """See `Learner`: rare classes weigh as much as others, which makes the mean balanced accuracy."""
        return self.targets[rows]


class FittedClassification:
    """A classification head and the pool it is asked about."""

    def __init__(self, head: ClassificationHead, learner: ClassificationLearner, facts: dict[str, JsonValue]) -> None:
        self.head, self._learner, self.facts = head, learner, facts

    def save(self, file: Path) -> None:
        """See `Fitted`."""
        self.head.save(file)

    def measure(self, rows: np.ndarray) -> ItemScores:
        """See `Fitted`."""
        vectors, targets = self._learner.vectors[rows], self._learner.targets[rows]
        mean = self.head.predict(vectors).mean(axis=0)
        return ItemScores(
            values=(mean.argmax(axis=1) == targets) * 1.0,
            probabilities=mean,
            uncalibrated=self.head.tempered(1.0).predict(vectors).mean(axis=0),
            targets=targets,
        )

    def score(self, items: Sequence[Row], progress: Progress) -> Opinion:
        """See `Fitted`."""
        committee = self._ask(items)
        progress(len(items), len(items))
        return Opinion(probabilities=committee.mean(axis=0), committee=committee, head=self.head.linear())

    def decide(self, items: Sequence[Row], progress: Progress) -> np.ndarray:
        """See `Fitted`."""
        return self._ask(items).mean(axis=0).argmax(axis=1)

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
        return self.head.predict(pool.store.vectors(pool.keys(items)))
