"""Models that are small enough to be understood at a glance, and a runner that runs jobs where it stands."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alcore.acquisition import ACQUISITIONS
from alcore.encoders.base import Encoding
from alcore.opinions import Opinion
from alcore.pool import LinearHead
from alcore.types import Progress
from app.jobs.run import run_job
from app.service.context import Context
from prompts.errors import CheckpointError
from prompts.predictor import Predictor, check_state
from prompts.types import ImageState, MaskPrediction, Prompt

if TYPE_CHECKING:
    from prompts.adaptation import Sample

SIDE = 16


class FakePredictor:
    """The mask is the box, or a 5 x 5 square around the first click; its IoU says which image it was embedded from.

    Without a click the square lies around where the first stroke begins. An adapted one makes squares of another size.
    """

    def __init__(self, *, embed_s: float = 0.0, reach: int = 2, model_id: str = "fake-segmenter") -> None:
        self.embed_s, self.reach, self.model_id = embed_s, reach, model_id
        self.embedded: list[int] = []
        self.seen_logits: list[bool] = []
        self.is_embedding = threading.Event()

    def embed(self, image: np.ndarray) -> ImageState:
        self.is_embedding.set()
        time.sleep(self.embed_s)
        self.embedded.append(int(image[0, 0, 0]))
        height, width = image.shape[:2]
        return ImageState(
            model_id=self.model_id, image_size=(height, width), features=int(image[0, 0, 0]), n_bytes=image.nbytes
        )

    def predict(self, state: ImageState, prompt: Prompt, *, multimask: bool | None = None) -> MaskPrediction:
        check_state(state, self.model_id)
        self.seen_logits.append(prompt.low_res_logits is not None)
        mask = np.zeros(state.image_size, bool)
        if prompt.box is not None:
            box = prompt.box
            mask[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
        else:
            x, y = (prompt.points[0].x, prompt.points[0].y) if prompt.points else prompt.scribbles[0].xy[0]
            row, col = int(y), int(x)
            mask[max(0, row - self.reach) : row + self.reach + 1, max(0, col - self.reach) : col + self.reach + 1] = 1
        iou = np.array([state.features / 255], np.float32)
        return MaskPrediction(masks=mask[None], predicted_iou=iou, low_res_logits=np.ones((1, 8, 8), np.float32))


class FakeEncoder:
    """Vector and map out of the mean colour."""

    encoder_id, dim, dense_shape = "fake-encoder", 4, (2, 4, 4)

    def encode(self, images: Sequence[np.ndarray]) -> Encoding:
        means = np.array([image.mean() / 255 for image in images], np.float32)
        vectors = np.stack([np.cos(means * 3), np.sin(means * 3), means, np.ones_like(means)], axis=1)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        dense = np.broadcast_to(means[:, None, None, None], (len(means), 2, 4, 4)).astype(np.float16)
        return Encoding(vectors=vectors.astype(np.float32), dense=dense)


class ThresholdHead:
    """Foreground is what is brighter than a threshold, one a member; class 1 is all it knows."""

    temperature = 1.0
    note: Callable[[float], None] = staticmethod(lambda temperature: None)
    """Called with each temperature that the head is given."""

    def __init__(self, thresholds: Sequence[float], n_classes: int) -> None:
        self.thresholds, self.n_classes = list(thresholds), n_classes

    def predict(self, dense: np.ndarray, images_rgb: np.ndarray) -> np.ndarray:
        bright = images_rgb.mean(axis=3).astype(np.float32)
        foreground = np.stack([1 / (1 + np.exp(-(bright - threshold) / 20)) for threshold in self.thresholds])
        planes = np.zeros((len(foreground), len(bright), self.n_classes, SIDE, SIDE), np.float32)
        planes[:, :, 0], planes[:, :, 1] = 1 - foreground, foreground
        return planes

    def tempered(self, temperature: float) -> "ThresholdHead":
        self.note(temperature)
        return self

    def member(self, *rows: int) -> "ThresholdHead":
        return ThresholdHead([self.thresholds[row] for row in rows], self.n_classes)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps({"thresholds": self.thresholds, "n_classes": self.n_classes}))


def between(bright: np.ndarray, targets: np.ndarray) -> float:
    """Half-way between foreground and background, and above all there is where nothing is foreground."""
    return float((bright[targets > 0].mean() + bright[targets == 0].mean()) / 2) if targets.any() else 255.0


class NearestMeanHead:
    """The class whose mean vector is nearest."""

    temperature = 1.0

    def __init__(self, means: np.ndarray) -> None:
        self.means = means

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        scores = -10 * np.linalg.norm(vectors[:, None] - self.means[None], axis=2)
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        return np.stack([odds, odds]).astype(np.float64)

    def tempered(self, temperature: float) -> "NearestMeanHead":
        return self

    def linear(self) -> LinearHead | None:
        """The same classes, by squared distances."""
        return LinearHead(weights=20 * self.means, bias=-10 * (self.means**2).sum(axis=1))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.means.tolist()))


class FakeModels:
    """A `ModelSource` without a network in it."""

    head_side = SIDE

    def __init__(self, predictor: FakePredictor | None = None) -> None:
        self.predictor = predictor or FakePredictor()
        self.loaded: list[str] = []
        self.threshold: float | None = None
        """What the next trained head gets; None lets it learn."""
        self.on_train = lambda: None
        self.threshold_of: dict[str, float] = {}
        """The same for heads of a name."""
        self.tempered: list[float] = []
        """Temperature of each head of pixels that was kept."""
        self.trained: list[str] = []
        """Head of each training."""
        self.reach = 4
        """That of the next adapted model; the disks of `workspaces` have a radius of 4 to 7, so 4 is better than 2."""
        self.on_adapt = lambda: None
        self.adapted_from: list[tuple[str, list["Sample"]]] = []
        """Model and images of each adaptation."""

    def load_predictor(self, spec: str, adaptation: Path | None = None) -> FakePredictor:
        self.loaded.append(spec)
        if adaptation is None:
            return self.predictor
        if not adaptation.is_file():
            raise CheckpointError(f"cannot read the adaptation '{adaptation.name}'")
        model_id = f"{self.predictor.model_id}+{adaptation.stem}"
        return FakePredictor(reach=int(adaptation.read_text()), model_id=model_id)

    def adapt_predictor(
        self, predictor: Predictor, samples: Sequence["Sample"], file: Path, *, seed: int, progress: Progress
    ) -> str:
        self.adapted_from.append((predictor.model_id, list(samples)))
        file.write_text(str(self.reach))
        self.on_adapt()
        progress(2, 2)
        return self.predictor.model_id

    def load_encoder(self, spec: str) -> FakeEncoder:
        return FakeEncoder()

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
    ) -> ThresholdHead:
        self.on_train()
        self.trained.append(head)
        assert progress is not None
        progress(1, 2)
        bright = images_rgb.mean(axis=3)
        seen = [np.delete(np.arange(len(bright)), fold) for fold in folds] if folds else [np.arange(len(bright))] * 2
        learned = [between(bright[rows], targets[rows]) for rows in seen]
        progress(2, 2)
        forced = self.threshold_of.get(head, self.threshold)
        made = ThresholdHead([t if forced is None else forced for t in learned], n_classes)
        made.note = self.tempered.append
        return made

    def train_classification(
        self, vectors: np.ndarray, targets: np.ndarray, n_classes: int, *, kind: str, seed: int
    ) -> NearestMeanHead:
        self.on_train()
        self.trained.append(kind)
        far = np.full(vectors.shape[1], 9.0)
        return NearestMeanHead(
            np.stack([vectors[targets == c].mean(axis=0) if (targets == c).any() else far for c in range(n_classes)])
        )

    def load_segmentation(self, path: Path) -> ThresholdHead:
        return ThresholdHead(**json.loads(path.read_text()))

    def load_classification(self, path: Path) -> NearestMeanHead:
        return NearestMeanHead(np.array(json.loads(path.read_text())))

    def score_segmentation(self, committee: np.ndarray) -> Opinion:
        doubt = 0.5 - np.abs(committee[0, :, 1] - 0.5).mean(axis=(1, 2)).astype(np.float64)
        dense = [name for name, entry in ACQUISITIONS.items() if entry.is_dense]
        odds = committee[0].mean(axis=(2, 3))
        return Opinion(
            uncertainty=dict.fromkeys(dense, doubt),
            class_scores=odds,
            class_mixtures=np.repeat(odds[:, None], odds.shape[1], axis=1),
            foreground=odds[:, 1],
        )


class InlineRunner:
    """Runs a job at once in the caller's thread; with `hold` it only notes that it was asked to."""

    def __init__(self, *, hold: bool = False) -> None:
        self.hold = hold
        self.started: list[int] = []
        self.context: Context | None = None

    def start(self, job_id: int) -> None:
        self.started.append(job_id)
        if not self.hold:
            assert self.context is not None
            run_job(self.context, job_id)

    def reap(self) -> None:
        """Nothing to look after."""
