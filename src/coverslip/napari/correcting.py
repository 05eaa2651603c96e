"""The panel that saves labels corrected by hand into the result they were read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox, Container, Label, PushButton
from napari.layers import Labels

from coverslip.core.errors import CoverslipError
from coverslip.napari.writing import noted_in, save_corrected

if TYPE_CHECKING:
    import napari


class SaveCorrected(Container):
    """Choose the labels; the result's table, counts and pictures follow what was painted.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        napari hands itself over under this name.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        self._viewer = viewer = napari_viewer
        self.painted = ComboBox(label="Labels", choices=self._choices)
        self.save = PushButton(text="Save into the result")
        self.said = Label(value="")
        super().__init__(widgets=[self.painted, self.save, self.said])
        self.said.native.setWordWrap(True)
        self.save.changed.connect(self.begin)
        for event in (viewer.layers.events.inserted, viewer.layers.events.removed):
            event.connect(lambda _: self.reset_choices())
        self.reset_choices()

    def begin(self) -> None:
        """Save, and say what came of it."""
        layer = self.painted.value
        if layer is None:
            self.said.value = "There are no labels of a result; drop its folder onto napari first."
            return
        try:
            written = save_corrected(layer.data, {"metadata": layer.metadata})
        except CoverslipError as error:
            self.said.value = str(error)
        else:
            self.said.value = " ".join([f"{written.said}: {written.path}", *written.notes])

    def _choices(self, _: Any = None) -> list[Labels]:
        return [
            one
            for one in self._viewer.layers
            if isinstance(one, Labels) and noted_in({"metadata": one.metadata}).get("result")
        ]
