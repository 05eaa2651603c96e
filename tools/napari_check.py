"""Try the plugin in a real napari: read, find, cancel, correct, look at neighbours; screenshots of it all.

    pip install '.[napari]'
    xvfb-run -a -s "-screen 0 1500x1000x24" python tools/napari_check.py OUT

Ends with 1 where something is not as it should be. Its last output stands in docs/guide/napari.md.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

import coverslip as cs
from coverslip.core import PixelSize
from coverslip.read import read_table, write_embedding, write_image_tiff
from coverslip.samples import draw_nuclei
from coverslip.verbs.measure import measure_to_file
from coverslip.verbs.predict import predict_to_file

FAULTS: list[str] = []


def check(what: str, holds: bool, seen: object = "") -> None:
    print(f"{'ok  ' if holds else 'FAULT'} {what}{f': {seen}' if seen != '' else ''}", flush=True)
    if not holds:
        FAULTS.append(what)


def main(out: Path) -> int:
    out.mkdir(parents=True, exist_ok=True)
    fields, labels = made(out)
    viewer = napari.Viewer()
    viewer.window._qt_window.resize(1400, 900)

    def shot(name: str) -> None:
        for _ in range(5):
            QApplication.processEvents()
            time.sleep(0.1)
        viewer.screenshot(str(out / f"{name}.png"), canvas_only=False)

    print(f"napari {napari.__version__}, coverslip {cs.__version__}")
    read_labels(viewer, labels, shot)
    find(viewer, sorted(fields.glob("*.tif"))[0], shot)
    correct(viewer, labels, shot)
    decomposition(viewer, fields, out, shot)
    neighbours(viewer, labels, out, shot)
    viewer.close()
    print(f"{len(FAULTS)} faults")
    return int(bool(FAULTS))


def made(out: Path) -> tuple[Path, Path]:
    """Two drawn fields of nuclei, 0.5 µm a pixel, and their labels."""
    fields, labels = out / "fields", out / "nuclei"
    if not fields.exists():
        fields.mkdir()
        for seed, name in enumerate(("left", "right")):
            image, _ = draw_nuclei(seed, treated=bool(seed))
            write_image_tiff(image[:420], fields / f"{name}.tif", pixel_size=PixelSize(0.5, 0.5))
    if not labels.exists():
        predict_to_file("nuclei-fluo", fields, labels)
    return fields, labels


def read_labels(viewer: Any, labels: Path, shot: Any) -> None:
    images, nuclei = viewer.open(str(labels), plugin="coverslip")
    check("labels: images and labels, one behind the other", images.data.shape == nuclei.data.shape, nuclei.data.shape)
    check("labels: scale in µm", np.allclose(nuclei.scale[-2:], 0.5) and str(nuclei.units[-1]) == "micrometer")
    check("labels: aligned", np.allclose(images.extent.world, nuclei.extent.world))
    check("labels: visible and named", nuclei.visible and nuclei.name == "nuclei", nuclei.name)
    shot("labels")
    viewer.layers.clear()


def find(viewer: Any, field: Path, shot: Any) -> None:
    (picture,) = viewer.open(str(field), plugin="napari")
    picture.scale, picture.units = (0.5, 0.5), ("um", "um")
    _, panel = viewer.window.add_plugin_dock_widget("coverslip", "Find objects")
    panel.model.value = "nuclei-fluo"
    panel.begin()
    wait(panel)
    found = viewer.layers[-1]
    count = len(np.unique(found.data)) - 1
    check("find: nuclei-fluo ran on a layer", count > 30 and f"{count:,} objects" in panel.said.value, panel.said.value)
    check("find: the labels lie on the picture", np.allclose(found.extent.world, picture.extent.world))
    corners = np.array([[60, 60], [60, 200], [180, 220], [160, 70]]) * 0.5
    where = {"scale": (1, 1), "units": ("um", "um")}
    region = viewer.add_shapes([corners], shape_type="polygon", name="region", face_color="transparent", **where)
    panel.region.value = region
    panel.begin()
    wait(panel)
    part = viewer.layers[-1].data
    inside = np.argwhere(part > 0)
    check("find: a drawn region alone", 0 < len(np.unique(part)) - 1 < count, panel.said.value)
    check("find: nothing far from the region", inside.min() > 40 and inside.max() < 240)
    shot("find")
    before = len(viewer.layers)
    panel.region.value = panel.region.choices[0]
    panel.model.value = "nuclei-fluo-kaizen"
    panel.begin()
    time.sleep(1)
    panel.cancel()
    wait(panel)
    check("find: cancelled", len(viewer.layers) == before and "Cancelled" in panel.said.value, panel.said.value)
    viewer.layers.clear()


def wait(panel: Any, most: float = 240) -> None:
    start = time.monotonic()
    while panel.busy and time.monotonic() - start < most:
        QApplication.processEvents()
        time.sleep(0.05)


def correct(viewer: Any, labels: Path, shot: Any) -> None:
    _, nuclei = viewer.open(str(labels), plugin="coverslip")
    _, panel = viewer.window.add_plugin_dock_widget("coverslip", "Save corrected labels")
    objects = len(read_table(labels / "objects.parquet")["label"])
    gone = int(nuclei.data[0][nuclei.data[0] > 0][0])
    nuclei.fill((0, *np.argwhere(nuclei.data[0] == gone)[0]), 0)
    panel.begin()
    check("correct: one nucleus erased, saved", "1 image changed" in panel.said.value, panel.said.value)
    left = read_table(labels / "objects.parquet")
    check("correct: the table follows", len(left["label"]) == objects - 1, len(left["label"]))
    check("correct: the counts follow", int(read_table(labels / "images.csv")["objects"].sum()) == objects - 1)
    shot("correct")
    viewer.layers.clear()


def decomposition(viewer: Any, fields: Path, out: Path, shot: Any) -> None:
    folder = out / "kaizen"
    if not folder.exists():
        predict_to_file("nuclei-fluo-kaizen", sorted(fields.glob("*.tif"))[0], folder)
    layers = {layer.name: layer for layer in viewer.open(str(folder), plugin="coverslip")}
    wanted = {"left.tif", "explained", "left over", "objects, depth 1", "objects, whole outlines", "nuclei"}
    check("decomposition: image, explained, left over, depths, outlines", wanted <= set(layers), list(layers))
    outlines = layers["objects, whole outlines"]
    outlines.visible = True
    count = len(read_table(folder / "objects.parquet")["label"])
    check(
        "decomposition: each object has its outline and its row", len(outlines.data) == len(outlines.features) == count
    )
    shot("decomposition")
    viewer.layers.clear()


def neighbours(viewer: Any, labels: Path, out: Path, shot: Any) -> None:
    cells = out / "cells.h5ad"
    if not cells.exists():
        measure_to_file(labels, force=True)
        made = cs.samples.crop_sheet(cs.samples.read_sheet(labels), out / "crops", size=48)
        crops = cs.samples.open_samples(made)
        vectors = crops.read(np.arange(len(crops))).reshape(len(crops), -1).astype(np.float32)
        record = {"kind": "embedding", "inputs": {"folder": str(out / "crops")}}
        columns = {**crops.obs, "cluster": (np.argsort(np.argsort(vectors.mean(axis=1))) * 3 // len(crops)).astype(str)}
        write_embedding(cs.Embedding.from_arrays(vectors[:, ::16], columns, provenance=record), cells)
    (points,) = viewer.open(str(cells), plugin="coverslip")
    _, panel = viewer.window.add_plugin_dock_widget("coverslip", "Neighbours of a cell")
    panel.look_at(points, 10)
    check("embedding: neighbours chosen on the map", len(points.selected_data) == 9, panel.said.value)
    check("embedding: their pictures beside it", "nearest" in [layer.name for layer in viewer.layers])
    shot("neighbours")
    panel.show_field()
    shown = [layer.name for layer in viewer.layers if layer.visible]
    check("embedding: the sample in its field", len(shown) == 2 and shown[1] == "sample 10", shown)
    shot("field")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
