"""A tiny fit of ranking: vectors of two plates, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import coverslip as cs
from coverslip.io.h5ad import write_embedding

QUICK: dict[str, Any] = {"restarts": 2, "anchors": "untreated,single_dose"}


def plates(
    count: int = 2, wells: int = 6, effect: float = 1.0, batch: float = 2.0, young: float = 0.2, seed: int = 0
) -> cs.Embedding:
    """Vectors of plates on day 7 and day 10: the days and the plates differ, and so do treated wells by their dose."""
    rng = np.random.default_rng(seed)
    ageing, drug = rng.normal(size=(2, 6))
    doses = {"untreated": 0.0, "a": 0.3, "b": 0.6, "single_dose": 1.0}
    rows: list[dict[str, Any]] = []
    vectors = []
    for plate in range(count):
        shift = batch * rng.normal(size=6)
        for number, (name, dose) in enumerate(item for item in doses.items() for _ in range(wells)):
            label = name if name in ("untreated", "single_dose") else "drug_screen"
            start = young * rng.normal(size=6)
            for day in (7, 10):
                grown = ageing + effect * dose * 2 * drug + 0.2 * rng.normal(size=6) if day == 10 else 0
                vectors.append(start + shift + grown)
                well = f"{'BCDEFG'[number % 6]}{number // 6 + 2:02d}"
                rows.append(
                    {"plate": f"P{plate}", "well": well, "day": day, "treatment": name, "label": label, "dose": dose}
                )
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return cs.Embedding.from_arrays(np.array(vectors), columns)


def sheet(data_folder: Path, folder: Path) -> Path:
    return write_embedding(plates(), folder / "vectors.h5ad")
