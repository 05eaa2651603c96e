"""A tiny fit of the U-Net: some real fields with masks."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

QUICK: dict[str, Any] = {"epochs": 2, "width": 4, "levels": 2, "patch": 128}


def sheet(data_folder: Path, folder: Path) -> Path:
    fields = data_folder / "bbbc039"
    with open(fields / "sheet.csv") as stream:
        rows = list(csv.DictReader(stream))[::50]
    lines = [f"{fields / row['image']},{fields / row['mask']},{row['well']}" for row in rows]
    (folder / "fields.csv").write_text("\n".join(["image,mask,label", *lines, ""]))
    return folder / "fields.csv"
