"""Small fields of discs with masks, and settings that make a fit of half a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coverslip.core.fields import ArrayFields
from coverslip.read import write_image_tiff, write_labels
from coverslip.samples import Sheet, write_sheet
from coverslip.train.run import Run

SETTINGS = {"width": 4, "levels": 2, "patch": 32, "batch": 2, "learning_rate": 0.02, "zoom": 1}
RUN = Run(device="cpu", precision="fp32")
SIDE = 32


def discs(seed: int) -> np.ndarray:
    """Labels of up to five discs that do not touch, at least one."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((SIDE, SIDE), np.int32)
    grid = np.mgrid[:SIDE, :SIDE]
    for centre in rng.uniform(5, SIDE - 5, (5, 2)):
        inside = ((grid - centre[:, None, None]) ** 2).sum(axis=0) <= 16
        wide = ((grid - centre[:, None, None]) ** 2).sum(axis=0) <= 36
        if not labels[wide].any():
            labels[inside] = labels.max() + 1
    return labels


def picture(labels: np.ndarray, seed: int, contrast: float = 90) -> np.ndarray:
    """What a microscope would see of them, with noise."""
    noise = np.random.default_rng(seed).normal(0, 8, labels.shape)
    return np.clip(100 + contrast * (labels > 0) + noise, 0, 255).astype(np.uint8)


def made_fields(count: int, **columns: list[str]) -> ArrayFields:
    """Fields in memory."""
    labels = [discs(i) for i in range(count)]
    return ArrayFields([picture(each, i) for i, each in enumerate(labels)], labels, columns)


@pytest.fixture(scope="session")
def fields() -> ArrayFields:
    """Eight fields; the last three are held out."""
    return made_fields(8, split=["train"] * 5 + ["val"] * 3)


@pytest.fixture(scope="session")
def grouped() -> ArrayFields:
    """Nine fields of two cell lines and a third that has nothing held out; one is for the last test."""
    return made_fields(
        9,
        split=["train"] * 5 + ["val"] * 3 + ["test"],
        group=["HeLa", "A549", "HeLa", "A549", "MCF7", "HeLa", "A549", "A549", "HeLa"],
    )


@pytest.fixture(scope="session")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Sheet:
    """Six fields of two channels and three focal planes; only plane 1 of the second channel shows the discs."""
    folder = tmp_path_factory.mktemp("stacks")
    rows = []
    for i in range(6):
        labels = discs(i)
        flat = [picture(labels, 10 * i + k, contrast=0) for k in range(6)]
        flat[4] = picture(labels, i)
        stack = np.stack(flat).reshape(2, 3, SIDE, SIDE)
        write_image_tiff(stack, folder / f"{i}.tif", axes="CZYX", channels=("phase", "light"))
        write_labels(labels, folder / f"{i}.labels.tif")
        rows.append({"image": f"{i}.tif", "mask": f"{i}.labels.tif", "split": "val" if i >= 4 else "train"})
    return write_sheet(Sheet(Path(folder), tuple(rows[0]), rows), folder / "sheet.csv")
