"""Where the service takes its models from: the registries, or a test's own. Loading is slow and happens once a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from alcore.heads.base import DenseHead
from alcore.opinions import Opinion
from alcore.pool import LinearHead
from alcore.types import Progress

if TYPE_CHECKING:
    from alcore.encoders.base import Encoder
    from prompts.adaptation import Sample
    from prompts.predictor import Predictor


@dataclass(frozen=True)
class Segmenter:
    """A promptable model as a project uses it: its name, and its own decoder's file where it was adapted."""

    spec: str
    adaptation: Path | None = None


class ClassificationHead(Protocol):
    """A head that labels images: committee probabilities out of cached features, and a file to keep it in."""

    def save(self, path: Path) -> None:
        """Write weights and metadata."""
        ...

    @property
    def temperature(self) -> float:
        """What its logits are divided by, 1.0 where it was not calibrated."""
        ...

    def tempered(self, temperature: float) -> "ClassificationHead":
        """The head with another temperature."""
        ...

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Committee probabilities (s, n, c) of embeddings (n, d)."""
        ...

    def linear(self) -> LinearHead | None:
        """The committee's mean as one linear layer on the embeddings; None for a head with hidden layers."""
        ...


class ModelSource(Protocol):
    """All models that the service needs, by the names that a project's settings hold."""

    @property
    def head_side(self) -> int:
        """Side S of the images and targets that segmentation heads work on."""
        ...

    def load_predictor(self, spec: str, adaptation: Path | None = None) -> "Predictor":
        """A promptable model, with a decoder of its own where one is named."""
        ...

    def adapt_predictor(
        self, predictor: "Predictor", samples: Sequence["Sample"], file: Path, *, seed: int, progress: Progress
    ) -> str:
        """Fine-tune a copy of a model's decoder and write it to `file`; returns the id of the model it belongs to."""
        ...

    def load_encoder(self, spec: str) -> "Encoder":
        """A frozen encoder."""
        ...

    def train_segmentation(
        self,
        dense: np.ndarray,
        images_rgb: np.ndarray,
        targets: np.ndarray,
        n_classes: int,
        *,
        head: str,
        weights: np.ndarray,
        folds: Sequence[np.ndarray] | None,
        seed: int,
        progress: Progress | None,
    ) -> DenseHead:
        """Train the head of a name on targets (n, S, S) of label ids, 255 = leave out, with a weight for each pixel.

        With folds, member i of the committee does not see the rows of fold i.
        """
        ...

    def train_classification(
        self, vectors: np.ndarray, targets: np.ndarray, n_classes: int, *, kind: str, seed: int
    ) -> ClassificationHead:
        """Train on one class index an image."""
        ...

    def load_segmentation(self, path: Path) -> DenseHead:
        """Read a head that was saved."""
        ...

    def load_classification(self, path: Path) -> ClassificationHead:
        """Read a head that was saved."""
        ...

    def score_segmentation(self, committee: np.ndarray) -> Opinion:
        """What query strategies look at of n images, pooled from their pixel maps."""
        ...


class RegistryModels:
    """The models of `alcore` and `prompts`; their libraries are imported when one is asked for."""

    def __init__(self, *, allow_download: bool = False) -> None:
        self._allow_download = allow_download

    @property
    def head_side(self) -> int:
        """See `ModelSource`."""
        from alcore.heads.base import HEAD_SIDE

        return HEAD_SIDE

    def load_predictor(self, spec: str, adaptation: Path | None = None) -> "Predictor":
        """See `ModelSource`."""
        from prompts.registry import load_predictor

        return load_predictor(spec, adaptation=adaptation, allow_download=self._allow_download)

    def adapt_predictor(
        self, predictor: "Predictor", samples: Sequence["Sample"], file: Path, *, seed: int, progress: Progress
    ) -> str:
        """See `ModelSource`."""
        from prompts.adaptation import Adaptable, adapt, save_adaptation
        from prompts.errors import CheckpointError
        from prompts.registry import NOT_ADAPTABLE

        if not isinstance(predictor, Adaptable):
            raise CheckpointError(NOT_ADAPTABLE)
        weights = adapt(predictor, samples, seed=seed, progress=progress)
        save_adaptation(file, weights, base_id=predictor.base_id)
        return predictor.base_id

    def load_encoder(self, spec: str) -> "Encoder":
        """See `ModelSource`."""
        from alcore.encoders.registry import load_encoder

        return load_encoder(spec, allow_download=self._allow_download)

    def train_segmentation(
        self,
        dense: np.ndarray,
        images_rgb: np.ndarray,
        targets: np.ndarray,
        n_classes: int,
        *,
        head: str,
        weights: np.ndarray,
        folds: Sequence[np.ndarray] | None,
        seed: int,
        progress: Progress | None,
    ) -> DenseHead:
        """See `ModelSource`."""
        from alcore.heads.training import train_head

        return train_head(
            head,
            dense,
            images_rgb,
            targets,
            n_classes,
            weights=weights,
            folds=folds,
            seed=seed,
            progress=progress,
        )

    def train_classification(
        self, vectors: np.ndarray, targets: np.ndarray, n_classes: int, *, kind: str, seed: int
    ) -> ClassificationHead:
        """See `ModelSource`."""
        from alcore.heads.classification import Kind, train_classification_head

        return train_classification_head(vectors, targets, n_classes, seed=seed, kind=cast(Kind, kind))

    def load_segmentation(self, path: Path) -> DenseHead:
        """See `ModelSource`."""
        from alcore.heads.training import load_head

        return load_head(path)

    def load_classification(self, path: Path) -> ClassificationHead:
        """See `ModelSource`."""
        from alcore.heads.classification import load_classification_head

        return load_classification_head(path)

    def score_segmentation(self, committee: np.ndarray) -> Opinion:
        """See `ModelSource`."""
        from alcore.heads.scoring import score_segmentation

        return score_segmentation(committee)
