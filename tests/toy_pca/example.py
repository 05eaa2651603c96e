"""A tiny fit of the toy: images of two classes, each with its own brightness and grain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import coverslip as cs

QUICK: dict[str, Any] = {"components": 3}


def sheet(data_folder: Path, folder: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = ["image,label"]
    for i in range(48):
        pixels = rng.integers(0, 200, (12, 12)) + 400 * (i % 2)
        cs.read.write_image_tiff(cs.Image.from_array(pixels.astype(np.uint16)), folder / f"{i}.tif")
        lines.append(f"{i}.tif,{('dark', 'light')[i % 2]}")
    (folder / "sheet.csv").write_text("\n".join([*lines, ""]))
    return folder / "sheet.csv"
