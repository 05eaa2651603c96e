"""What of a folder cannot be used is named, however much it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from coverslip.read import write_image_tiff
from coverslip.samples import open_samples, read_sheet
from coverslip.samples.sheets.usable import usable_part


def test_every_image_that_is_left_out_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(30):
        write_image_tiff(rng.integers(0, 99, (16, 16)).astype(np.uint16), tmp_path / f"good{i}.tif")
    for i in range(25):
        (tmp_path / f"bad{i}.tif").write_bytes(b"II*\0")
    used = usable_part(read_sheet(tmp_path), open_samples)
    assert [row["image"] for row in used.rows] == [f"good{i}.tif" for i in range(30)]
    assert used.notes[0] == "Left out 25 of 55 images."
    assert used.notes[-1] == "Left out, too: bad20.tif, bad21.tif, bad22.tif, bad23.tif, bad24.tif."
    assert all(any(f"bad{i}.tif" in note for note in used.notes) for i in range(25))
