"""The images of a DATASET folder as `fewclick simulate` needs them: keys, pixels, references, groups."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from alcore.errors import InvalidInput, UnreadableImage
from alcore.formats.folder import Sample, mask_class_ids, read_dataset, read_label_mask
from alcore.formats.raster import read_image
from alcore.formats.window import to_rgb, window_key
from alcore.rounds import Task


@dataclass(kw_only=True)
class SimulationImages:
    """All images of a data set; pixels are read anew at each call, label masks are kept."""

    samples: tuple[Sample, ...]
    keys: tuple[str, ...]
    """Content hash and window of each image, as an embedding store wants them."""
    n_classes: int
    """Without background."""
    label_names: tuple[str, ...] = ()
    groups: np.ndarray | None = None
    _labels: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def stems(self) -> list[str]:
        """Name of each image."""
        return [sample.stem for sample in self.samples]

    def rgb(self, row: int) -> np.ndarray:
        """(H, W, 3) uint8 through the image's own window."""
        return to_rgb(read_image(self.samples[row].image_path))

    def labels(self, row: int) -> np.ndarray:
        """(H, W) uint8 reference ids."""
        if row not in self._labels:
            path = self.samples[row].mask_path
            assert path is not None  # `load_images` made sure of it
            self._labels[row] = read_label_mask(path)
        return self._labels[row]

    def instances(self, row: int) -> np.ndarray | None:
        """(H, W) ids of single objects, where the data set has them."""
        path = self._instances_path(row)
        if path is None:
            return None
        try:
            with Image.open(path) as image:
                found = np.asarray(image)
        except OSError as error:
            raise UnreadableImage(f"cannot be read: {error}", name=path.name) from error
        if found.shape != self.labels(row).shape:
            raise InvalidInput(f"instances {path.name} are {found.shape}, the mask {self.labels(row).shape}")
        return found.astype(np.int64)

    def targets(self) -> np.ndarray:
        """Class index of each image, in the order of `label_names`."""
        index = {name: i for i, name in enumerate(self.label_names)}
        return np.array([index[str(sample.label)] for sample in self.samples], dtype=np.int64)

    def answer_key(self, row: int) -> str:
        """Names an image together with its reference."""
        digest = hashlib.sha256(self.keys[row].encode())
        for path in (self.samples[row].mask_path, self._instances_path(row)):
            digest.update(path.read_bytes() if path is not None else b"-")
        return digest.hexdigest()[:40]

    def _instances_path(self, row: int) -> Path | None:
        """Beside the mask: instances/<stem>.png."""
        mask = self.samples[row].mask_path
        if mask is None:
            return None
        path = mask.parents[len(Path(self.samples[row].stem).parts)] / "instances" / f"{self.samples[row].stem}.png"
        return path if path.is_file() else None


def load_images(folder: Path, task: Task, *, group_regex: str | None = None) -> SimulationImages:
    """List a DATASET folder and check that it fits the task.

    Raises:
        InvalidInput: references for the task are missing, or there are too few classes or images.
    """
    dataset = read_dataset(folder, group_regex=group_regex)
    what = "mask" if task == "segmentation" else "label"
    missing = [s.stem for s in dataset.samples if (s.mask_path if what == "mask" else s.label) is None]
    if missing:
        raise InvalidInput(
            f"{task} needs a {what} for every image; {folder.name} lacks {len(missing)}, first {missing[0]!r}"
        )
    n_classes = max(mask_class_ids(dataset), default=0) if task == "segmentation" else len(dataset.label_names)
    if n_classes < (1 if task == "segmentation" else 2):
        raise InvalidInput(f"{folder.name} has {n_classes} classes; there is nothing to learn")
    groups = None
    if any(sample.group for sample in dataset.samples):
        groups = np.array([sample.group or f"alone:{sample.stem}" for sample in dataset.samples], dtype=object)
    return SimulationImages(
        samples=dataset.samples,
        keys=tuple(_key(sample.image_path) for sample in dataset.samples),
        n_classes=n_classes,
        label_names=dataset.label_names,
        groups=groups,
    )


def _key(path: Path) -> str:
    """Content hash and default window, the key of an embedding."""
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{content}:{window_key(read_image(path).window)}"
