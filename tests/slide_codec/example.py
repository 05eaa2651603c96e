"""A tiny fit of the codec of slides: one field of stained tissue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

QUICK: dict[str, Any] = {"epochs": 2, "latent": 8, "fine": 8, "coarse": 8, "prior": 8, "batch": 2}


def sheet(data_folder: Path, folder: Path) -> Path:
    image = sorted((data_folder / "dsb2018_stained" / "images").glob("*.png"))[0]
    (folder / "slides.csv").write_text(f"image,label\n{image},tissue\n")
    return folder / "slides.csv"
