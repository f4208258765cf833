"""Segmentation in `fewclick simulate`: a head that is trained on an annotator's answers and measured in Dice."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from alcore.embeddings import EmbeddingStore
from alcore.encoders.base import squash
from alcore.metrics import mean_dice_per_class
from alcore.opinions import Opinion, joined
from app.simulate_data import SimulationImages

if TYPE_CHECKING:
    from alcore.heads.base import DenseHead

CHUNK = 32
MEMBERS = 3


class SegmentationLearner:
    """Trains a head on squashed label maps; measures mean Dice per class at the images' own size."""

    metric = "dice"
    head = "decoder"
    fitted: Any = None

    def __init__(
        self,
        images: SimulationImages,
        store: EmbeddingStore,
        pool: np.ndarray,
        test: np.ndarray,
        *,
        head: str,
        needs_committee: bool,
    ) -> None:
        from alcore.heads.base import HEAD_SIDE
        from alcore.heads.registry import candidates

        names = candidates(head, "segmentation", 0)
        self.head = names[0] if len(names) == 1 else head
        self._images = images
        self._pool_keys = [images.keys[i] for i in pool]
        self._test_keys = [images.keys[i] for i in test]
        self._pool = pool
        self._test = test
        self._groups = np.arange(len(pool)) if images.groups is None else images.groups[pool].astype(str)
        self._store = store
        self._side = HEAD_SIDE
        self._needs_committee = needs_committee
        self._n_classes = images.n_classes + 1
        self._pool_rgb = np.concatenate([squash([images.rgb(int(i))], HEAD_SIDE) for i in pool])
        self._test_rgb = np.concatenate([squash([images.rgb(int(i))], HEAD_SIDE) for i in test])

    def fit_score(
        self, rows: np.ndarray, targets: Sequence[np.ndarray], pool_rows: np.ndarray, *, seed: int
    ) -> Opinion:
        """Train on `rows`, then pool the pixel scores of `pool_rows`."""
        from alcore.heads.scoring import score_segmentation

        dense = self._store.dense([self._pool_keys[row] for row in rows])
        labels = np.stack([_squash_labels(target, self._side) for target in targets])
        self.fitted = self._train(dense, self._pool_rgb[rows], labels, self._groups[rows], seed=seed)
        parts: list[Opinion] = []
        for start in range(0, len(pool_rows), CHUNK):
            chunk = pool_rows[start : start + CHUNK]
            committee = self.fitted.predict(
                self._store.dense([self._pool_keys[row] for row in chunk]), self._pool_rgb[chunk]
            )
            parts.append(score_segmentation(committee))
        return joined(parts)

    def _train(
        self, dense: np.ndarray, images: np.ndarray, labels: np.ndarray, groups: np.ndarray, *, seed: int
    ) -> "DenseHead":
        """Train the head; what `default` and `auto` mean is chosen anew by cross-validation on the labels at hand."""
        from alcore.heads.measuring import compare_heads
        from alcore.heads.registry import HEADS, best_of, candidates
        from alcore.heads.training import train_head

        names = candidates(self.head, "segmentation", len(dense))
        name = names[0]
        if len(names) > 1:

            def blind(name: str, folds: Sequence[np.ndarray]) -> "DenseHead":
                return train_head(name, dense, images, labels, self._n_classes, seed=seed, folds=folds)

            name = best_of(
                compare_heads(names, blind, dense, images, labels, self._n_classes, groups=groups, seed=seed)
            )
        n_members = MEMBERS if self._needs_committee or HEADS[name].is_cheap else 1
        return train_head(name, dense, images, labels, self._n_classes, seed=seed, n_members=n_members)

    def evaluate(self) -> float:
        """Mean over classes of the Dice on the test images that show or claim the class."""
        found = np.full((len(self._test), self._n_classes - 1), np.nan)
        for start in range(0, len(self._test), CHUNK):
            rows = slice(start, start + CHUNK)
            dense = self._store.dense(self._test_keys[rows])
            mean = self.fitted.predict(dense, self._test_rgb[rows]).mean(axis=0)
            for i, probabilities in enumerate(mean):
                reference = self._images.labels(int(self._test[start + i]))
                labels = _labels_at(probabilities, reference.shape)
                found[start + i] = mean_dice_per_class(labels, reference.astype(np.int16), self._n_classes)
        per_class = [column[~np.isnan(column)] for column in found.T]
        return float(np.mean([column.mean() for column in per_class if column.size]))

    def suggest(self, fitted: Any, row: int) -> np.ndarray:
        """The starting mask of a pool row: label ids at the image's own size."""
        dense = self._store.dense([self._pool_keys[row]])
        probabilities = fitted.predict(dense, self._pool_rgb[[row]]).mean(axis=0)[0]
        return _labels_at(probabilities, self._images.labels(int(self._pool[row])).shape)


def _squash_labels(labels: np.ndarray, side: int) -> np.ndarray:
    """Label ids at the head's size, nearest pixel."""
    return np.asarray(Image.fromarray(labels).resize((side, side), Image.Resampling.NEAREST))


def _labels_at(probabilities: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Label ids at the image's own size from class probabilities (k, side, side)."""
    size = (shape[1], shape[0])
    planes = [np.asarray(Image.fromarray(p).resize(size, Image.Resampling.BILINEAR)) for p in probabilities]
    return np.argmax(np.stack(planes), axis=0).astype(np.int16)
