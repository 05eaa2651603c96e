"""The panel that runs a model on the picture that is shown, or on a region drawn in it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import ComboBox, Container, FileEdit, Label, LineEdit, ProgressBar, PushButton
from napari.layers import Image as ImageLayer
from napari.layers import Shapes
from qtpy.QtCore import QTimer

from coverslip.core import Image, InputError, Region
from coverslip.core.errors import CoverslipError
from coverslip.napari.running import Area, Cancelled, Found, Job, image_of, model_names, opened_model, run
from coverslip.napari.writing import pixel_size_of

if TYPE_CHECKING:
    import napari

_OWN = "a model of your own …"
_WHOLE = "the whole picture"


class FindObjects(Container):
    """Choose a model and a picture, run it, see what was found and whether the model fits the picture.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        napari hands itself over under this name.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._viewer = viewer = napari_viewer
        self.model = ComboBox(label="Model", choices=[*model_names(), _OWN])
        self.folder = FileEdit(label="Its folder", mode="d", value="", visible=False)
        self.picture = ComboBox(label="Picture", choices=self._pictures)
        self.region = ComboBox(label="Region", choices=self._regions, tooltip="Draw one in a layer of shapes")
        self.diameter = LineEdit(
            label="Diameter", tooltip="Of the objects: 30 (pixels) or 12um; empty: told from the picture"
        )
        self.start = PushButton(text="Find objects")
        self.stop = PushButton(text="Cancel", enabled=False)
        self.progress = ProgressBar(visible=False, min=0, max=0)
        self.said = Label(value="")
        buttons = Container(widgets=[self.start, self.stop], layout="horizontal", labels=False)
        parts = [self.model, self.folder, self.picture, self.region, self.diameter, buttons, self.progress, self.said]
        super().__init__(widgets=parts)
        self.said.native.setWordWrap(True)
        self.model.changed.connect(lambda name: self.folder.show() if name == _OWN else self.folder.hide())
        self.start.changed.connect(self.begin)
        self.stop.changed.connect(self.cancel)
        for event in (viewer.layers.events.inserted, viewer.layers.events.removed, viewer.layers.events.reordered):
            event.connect(lambda _: self.reset_choices())
        self.reset_choices()
        self._work = ThreadPoolExecutor(1, "coverslip")
        self._job: Job | None = None
        self._future: Future[Found] | None = None
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)

    def begin(self) -> None:
        """Start the work; what it finds appears as layers."""
        if self._future is not None:
            return
        try:
            image, area = self._chosen()
            name = str(self.folder.value) if self.model.value == _OWN else str(self.model.value)
        except InputError as error:
            self.said.value = str(error)
            return
        self._placed = {name: getattr(self.picture.value, name) for name in ("scale", "units", "translate")}
        self._job = job = Job(said="Loading the model")
        diameter = str(self.diameter.value)
        self._future = self._work.submit(lambda: run(opened_model(name), image, job, area, diameter))
        self.start.enabled, self.stop.enabled = False, True
        self.progress.show()
        self._timer.start(100)

    def cancel(self) -> None:
        """Have the work end at its next small step."""
        if self._job is not None:
            self._job.cancel()
            self.said.value = "Stopping …"

    @property
    def busy(self) -> bool:
        """Whether work goes on."""
        return self._future is not None

    def _look(self) -> None:
        """See how far the work is; called by the timer."""
        future, job = self._future, self._job
        if future is None or job is None:
            return
        if not future.done():
            if job.steps:
                self.said.value = f"{job.said or 'Looking'}: {job.steps} steps done"
            return
        self._timer.stop()
        self._future = self._job = None
        self.progress.hide()
        self.start.enabled, self.stop.enabled = True, False
        try:
            found = future.result()
        except Cancelled:
            self.said.value = "Cancelled; nothing was added."
        except CoverslipError as error:
            self.said.value = str(error)
        else:
            self._show(found)

    def _show(self, found: Found) -> None:
        for data, settings, kind in found.layers:
            own = settings.pop("translate", None)
            settings |= {"scale": self._placed["scale"][-2:], "units": self._placed["units"][-2:]}
            settings["translate"] = self._placed["translate"][-2:]
            if own is not None:
                settings["translate"] = settings["translate"] + np.asarray(own) * settings["scale"]
            getattr(self._viewer, f"add_{kind}")(data, **settings)
        self.said.value = found.said

    # ---- what is chosen ------------------------------------------------------------------------------------------

    def _pictures(self, _: Any = None) -> list[ImageLayer]:
        return [layer for layer in self._viewer.layers if isinstance(layer, ImageLayer)][::-1]

    def _regions(self, _: Any = None) -> list[Any]:
        return [_WHOLE, *(layer for layer in self._viewer.layers if isinstance(layer, Shapes))]

    def _chosen(self) -> tuple[Image, Area | None]:
        layer = self.picture.value
        if layer is None:
            raise InputError("There is no picture; open one first.")
        selected = [one for one in self._viewer.layers if one in self._viewer.layers.selection]
        beside = [one for one in selected if isinstance(one, ImageLayer) and not one.rgb]
        together = beside if layer in beside and len(beside) > 1 else [layer]
        planes = [self._plane(one) for one in together]
        if len({plane.shape for plane in planes}) > 1:
            raise InputError(
                "The selected pictures are of several sizes, so they are no channels of one; select one alone."
            )
        pixels = planes[0] if len(planes) == 1 else np.stack(planes)
        size = pixel_size_of({"scale": layer.scale, "units": layer.units})
        source = str(layer.source.path or layer.name)
        image = image_of(pixels, rgb=bool(layer.rgb), pixel_size=size, source=source)
        return image, self._area(layer, image)

    def _plane(self, layer: ImageLayer) -> np.ndarray:
        """The pixels of the plane that is shown, at full resolution."""
        data = layer.data[0] if layer.multiscale else layer.data
        ahead = data.ndim - (3 if layer.rgb else 2)
        at = layer.world_to_data(self._viewer.dims.point[-layer.ndim :])
        plane = data[tuple(int(np.clip(round(at[axis]), 0, data.shape[axis] - 1)) for axis in range(ahead))]
        return np.asarray(plane)

    def _area(self, layer: ImageLayer, image: Image) -> Area | None:
        shapes = self.region.value
        if not isinstance(shapes, Shapes):
            return None
        drawn = [shapes.data[i] for i in sorted(shapes.selected_data)] or list(shapes.data)
        if not drawn:
            raise InputError(
                f"Nothing is drawn in '{shapes.name}'; draw a rectangle or a polygon around what is meant."
            )
        from skimage.draw import polygon

        rings = [
            np.array([layer.world_to_data(shapes.data_to_world(corner)) for corner in ring])[:, -2:] for ring in drawn
        ]
        corners = np.concatenate(rings)
        low = np.clip(np.floor(corners.min(axis=0)), 0, None).astype(int)
        high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (image.height, image.width))
        if (high - low < 1).any():
            raise InputError(f"What is drawn in '{shapes.name}' lies outside of the picture.")
        mask = np.zeros(high - low, bool)
        for ring in rings:
            mask[polygon(*(ring - low).T, shape=mask.shape)] = True
        y, x, height, width = (int(n) for n in (*low, *(high - low)))
        return Area(Region(y, x, height, width), mask)
