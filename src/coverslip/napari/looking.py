"""The panel that shows the neighbours of a sample that is clicked on the map of an embedding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import Container, Label, PushButton, SpinBox
from napari.layers import Points

from coverslip.core.errors import CoverslipError
from coverslip.napari.neighbours import in_its_field, nearest, strip
from coverslip.napari.writing import noted_in
from coverslip.results.embedding.layers import SIDE

if TYPE_CHECKING:
    import napari

_LAYER = "nearest"


class LookAtNeighbours(Container):
    """Click a point of the map: those nearest to it by their vectors are selected, and their pictures shown beside it.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        napari hands itself over under this name.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._viewer = viewer = napari_viewer
        self.count = SpinBox(label="Neighbours", value=8, min=1, max=63)
        self.field = PushButton(text="Show it in its field", enabled=False)
        self.said = Label(value="Click a point of the map.")
        super().__init__(widgets=[self.count, self.field, self.said])
        self.said.native.setWordWrap(True)
        self._row: tuple[Points, int] | None = None
        self.field.changed.connect(self.show_field)
        viewer.layers.events.inserted.connect(lambda _: self._listen())
        self._listen()

    def look_at(self, layer: Points, row: int) -> None:
        """Show the neighbours of a sample."""
        noted = _noted(layer)
        rows = nearest(noted["vectors"], row, int(self.count.value))
        layer.selected_data = set(rows.tolist())
        self._row, self.field.enabled = (layer, row), True
        by = next((name for name in ("coverslip_cluster", "cluster", "label") if name in layer.features), None)
        beside = (
            "" if by is None else f"; {by}: " + ", ".join(str(layer.features[by].iloc[i]) for i in rows[1:].tolist())
        )
        self.said.value = f"Sample {row} and the {len(rows) - 1} nearest{beside}"
        if noted.get("pictures") is None:
            self.said.value += ". Their images are not there any more, so no pictures are shown."
            return
        across = int(np.ceil(len(rows) ** 0.5))
        picture = strip(noted["pictures"], rows, across)
        first = _LAYER not in self._viewer.layers
        if not first:
            self._viewer.layers.remove(_LAYER)
        step = SIDE / max(picture.shape[:2])
        where = {"scale": (step, step), "translate": (0, 1.1 * SIDE)}
        self._viewer.add_image(picture, name=_LAYER, rgb=True, **where)
        self._viewer.layers.selection.active = layer
        if first:
            self._viewer.reset_view()

    def show_field(self) -> None:
        """Show the field of the sample that was clicked, and where in it that lies."""
        if self._row is None:
            return
        layer, row = self._row
        try:
            made = in_its_field({name: layer.features[name] for name in layer.features}, row, _noted(layer)["folder"])
        except CoverslipError as error:
            self.said.value = str(error)
            return
        for other in self._viewer.layers:
            other.visible = False  # a map and a field do not lie on each other
        shown = [getattr(self._viewer, f"add_{kind}")(data, **settings) for data, settings, kind in made]
        self._viewer.reset_view()  # on all layers; from there nearer, on the field alone
        all_of, own = self._viewer.layers.extent.world, shown[0].extent.world
        self._viewer.camera.zoom *= float(((all_of[1] - all_of[0]) / (own[1] - own[0])).min())
        self._viewer.camera.center = tuple(own.mean(axis=0))

    def _listen(self) -> None:
        for layer in self._viewer.layers:
            if (
                isinstance(layer, Points)
                and "vectors" in _noted(layer)
                and self._clicked not in layer.mouse_drag_callbacks
            ):
                layer.mouse_drag_callbacks.append(self._clicked)

    def _clicked(self, layer: Points, event: Any) -> None:
        row = layer.get_value(
            event.position, view_direction=event.view_direction, dims_displayed=event.dims_displayed, world=True
        )
        if row is not None:
            self.look_at(layer, int(row))


def _noted(layer: Points) -> Mapping[str, Any]:
    return noted_in({"metadata": layer.metadata})
