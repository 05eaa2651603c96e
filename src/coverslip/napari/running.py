"""A model at work on a picture in memory: progress, an end on request, layers of what was found, whether it fits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from coverslip import results
from coverslip.core import Decomposition, Image, InputError, LabelMap, Region, pulsing, reporting
from coverslip.core.words import number_of
from coverslip.io.layers import Layer
from coverslip.models import load, shipped
from coverslip.models.folder import Model
from coverslip.verbs.predict import predict

FITS = "Nothing speaks against the model's fit to this picture."


class Cancelled(Exception):
    """The work was stopped on request."""


@dataclass
class Job:
    """Work while it goes on; another thread looks at it and may cancel it.

    Parameters
    ----------
    steps : int
        How many small steps were made, such as tiles seen by the network.
    said : str
        What is being done.
    """

    steps: int = 0
    said: str = ""
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)

    def cancel(self) -> None:
        """Have the work end at its next small step."""
        self._stop.set()

    def beat(self) -> None:
        """Count a small step.

        Raises
        ------
        Cancelled
            If that was asked for.
        """
        self.steps += 1
        if self._stop.is_set():
            raise Cancelled

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the work inside."""

        def line(description: str, total: int | None) -> _Line:
            self.said = description
            return _Line(self)

        with reporting(line), pulsing(self.beat):
            yield


@dataclass
class _Line:
    job: Job

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.job.beat()

    def close(self) -> None: ...


@dataclass(frozen=True)
class Area:
    """The part of a picture that a model is shown.

    Parameters
    ----------
    region : Region
        Its bounding box.
    mask : ndarray of bool, shape of the region, or None
        Which pixels of it are meant: objects whose centre is elsewhere are left out.
    """

    region: Region
    mask: np.ndarray | None = None


@dataclass(frozen=True)
class Found:
    """What came of it.

    Parameters
    ----------
    layers : list of Layer
    count : int
        Objects.
    said : str
        In words.
    doubts : str
        Why the model may not fit the picture; empty where nothing speaks against it.
    """

    layers: list[Layer]
    count: int
    said: str
    doubts: str


def model_names() -> list[str]:
    """Shipped models that find objects."""
    return [name for name in shipped.names() if results.get(load(name).gives).is_a("labels")]


def opened_model(name: str | Path) -> Model:
    """A model, shipped or of one's own, that finds objects.

    Raises
    ------
    InputError
        If it gives something else.
    """
    model = load(name)
    if not results.get(model.gives).is_a("labels"):
        raise InputError(f"{name} finds no objects (it gives {results.get(model.gives).given}); choose another model.")
    return model


def run(model: Model, image: Image, job: Job, area: Area | None = None, diameter: str = "") -> Found:
    """Find the objects of a picture.

    Parameters
    ----------
    model : Model
        From `opened_model`.
    image : Image
        With the channels that it takes.
    job : Job
        Watches the work.
    area : Area, optional
        Default: all of the picture.
    diameter : str
        How large objects are, such as ``"30"`` (pixels) or ``"12um"``; empty: told from the picture.

    Raises
    ------
    Cancelled
        If the job was.
    InputError
        If model and picture do not fit.
    """
    options = {"diameter": diameter.strip()} if diameter.strip() else {}
    shown = image if area is None else image.crop(area.region)
    with job.watched():
        found: LabelMap | Decomposition = predict(model, shown, **options)
    kind = results.get(model.gives)
    count = len(found) if isinstance(found, Decomposition) else found.count
    if isinstance(found, LabelMap) and area is not None:
        found = replace(found, labels=_whole(found.labels, area, image))
        count = found.count
    layers: list[Layer] = kind.verb("layers")(found)
    if isinstance(found, Decomposition) and area is not None:
        for _, settings, _ in layers:
            y, x = settings.get("scale", (1.0, 1.0))[-2:]
            settings["translate"] = (area.region.y * y, area.region.x * x)
    named = Path(model.folder).name if model.folder else model.method
    layers = [(data, {**settings, "name": f"{settings['name']} ({named})"}, kind_) for data, settings, kind_ in layers]
    zoom = "" if found.zoom == 1 else f" The picture was shown to the model at a zoom of {found.zoom:.2g}."
    inverted = " It was shown with light and dark exchanged." if found.inverted else ""
    doubts = "; ".join(found.doubts)
    fit = f"NOT like the images that the model was fitted to: {doubts}." if doubts else FITS
    return Found(layers, count, f"{number_of(count, 'object')}. {fit}{zoom}{inverted}", doubts)


def _whole(labels: np.ndarray, area: Area, image: Image) -> np.ndarray:
    """Labels of an area as labels of the whole picture."""
    if area.mask is not None and labels.any():
        from scipy import ndimage

        numbers = np.unique(labels[labels > 0])
        centres = np.array(ndimage.center_of_mass(labels > 0, labels, numbers)).round().astype(int)
        outside = numbers[~area.mask[centres[:, 0], centres[:, 1]]]
        labels = np.where(np.isin(labels, outside), 0, labels)
    whole = np.zeros((image.height, image.width), labels.dtype)
    whole[area.region.slices] = labels
    return whole


def image_of(pixels: Any, *, rgb: bool = False, pixel_size: Any = None, source: str = "picture") -> Image:
    """Pixels of a layer as an image: ``(H, W)``, ``(C, H, W)``, or ``(H, W, 3)`` of a colour picture."""
    pixels = np.asarray(pixels)
    if rgb:
        pixels = np.moveaxis(pixels[..., :3], -1, 0)
        return Image.from_array(pixels, "CYX", source=source, pixel_size=pixel_size, channels=("red", "green", "blue"))
    return Image.from_array(pixels, source=source, pixel_size=pixel_size)
