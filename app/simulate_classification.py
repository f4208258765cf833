"""Classification in `fewclick simulate`: an annotator who tags images, and a head on the embeddings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from alcore.costs import CostTable
from alcore.embeddings import EmbeddingStore
from alcore.loop import Answer
from alcore.metrics import balanced_accuracy
from alcore.opinions import Opinion
from app.simulate_data import SimulationImages

if TYPE_CHECKING:
    from alcore.heads.classification import ClassificationHead


class ClassificationOracle:
    """Knows each image's class; a tag costs one click and its seconds."""

    def __init__(self, images: SimulationImages, pool: np.ndarray) -> None:
        self._targets = images.targets()[pool]
        self._costs = CostTable()

    wants_offers = False

    def answer(self, row: int, rng: np.random.Generator, *, offer: np.ndarray | None = None) -> Answer:
        """Tag one image."""
        return Answer(target=self.truth(row), n_clicks=1, seconds=self._costs.class_label())

    def truth(self, row: int) -> np.ndarray:
        """The image's class index."""
        return np.asarray(self._targets[row])


class ClassificationLearner:
    """Trains the head on vectors; measures balanced accuracy on the test images."""

    metric = "balanced_accuracy"
    fitted: Any = None

    def __init__(
        self, images: SimulationImages, store: EmbeddingStore, pool: np.ndarray, test: np.ndarray, *, head: str
    ) -> None:
        from alcore.heads.registry import candidates

        names = candidates(head, "classification", 0)
        self.head = names[0] if len(names) == 1 else head
        self._n_classes = images.n_classes
        self._pool = store.vectors([images.keys[i] for i in pool])
        self._test = store.vectors([images.keys[i] for i in test])
        self._reference = images.targets()[test]
        self._groups = np.arange(len(pool)) if images.groups is None else images.groups[pool].astype(str)

    def fit_score(
        self, rows: np.ndarray, targets: Sequence[np.ndarray], pool_rows: np.ndarray, *, seed: int
    ) -> Opinion:
        """Train on `rows`, then give the committee's probabilities of `pool_rows`."""
        from alcore.heads.measuring import compare_classifiers
        from alcore.heads.registry import best_of, candidates

        vectors, labels = self._pool[rows], np.array(targets, dtype=np.int64)

        def guess(name: str, seen: np.ndarray, asked: np.ndarray) -> np.ndarray:
            mean: np.ndarray = self._train(name, vectors[seen], labels[seen], seed).predict(vectors[asked]).mean(axis=0)
            return mean

        names = candidates(self.head, "classification", len(rows))
        name = names[0]
        if len(names) > 1:
            name = best_of(compare_classifiers(names, guess, labels, groups=self._groups[rows], seed=seed))
        self.fitted = self._train(name, vectors, labels, seed)
        if not len(pool_rows):
            return Opinion()
        committee = self.fitted.predict(self._pool[pool_rows])
        return Opinion(probabilities=committee.mean(axis=0), committee=committee, head=self.fitted.linear())

    def _train(self, name: str, vectors: np.ndarray, targets: np.ndarray, seed: int) -> "ClassificationHead":
        """Train a head on some vectors."""
        from alcore.heads.classification import Kind, train_classification_head

        return train_classification_head(vectors, targets, self._n_classes, seed=seed, kind=cast("Kind", name))

    def evaluate(self) -> float:
        """Balanced accuracy of the committee's mean."""
        predicted = self.fitted.predict(self._test).mean(axis=0).argmax(axis=1)
        return balanced_accuracy(predicted, self._reference)

    def suggest(self, fitted: Any, row: int) -> np.ndarray:
        """The most likely class of a pool row."""
        return np.asarray(fitted.predict(self._pool[[row]]).mean(axis=0)[0].argmax())
