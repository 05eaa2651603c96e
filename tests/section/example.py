"""A tiny fit of a section model: some real smears with boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

QUICK: dict[str, Any] = {
    "epochs": 6,
    "backbone": "resnet18",
    "width": 8,
    "pyramid": 8,
    "head": 16,
    "tile": 64,
    "zoom": 0.2,
    "proposals": 16,
    "batch": 2,
    "bad_boxes": "drop",
}


def sheet(data_folder: Path, folder: Path) -> Path:
    smears = data_folder / "bccd"
    names = (smears / "train.txt").read_text().split()[:3]
    lines = [f"{smears}/images/{name}.jpg,{smears}/annotations/{name}.xml,{name[-1]}" for name in names]
    (folder / "smears.csv").write_text("\n".join(["image,annotation,label", *lines, ""]))
    return folder / "smears.csv"
