"""What tells the files that a sheet names from others, and from themselves once they have changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from coverslip.io.stamps import stamp_of
from coverslip.samples.sheets.sheet import undivided


def mark_of_files(inputs: str | Path) -> str:
    """What tells inputs from others, and from themselves once they have changed: a hash.

    Looked at are the rows of the sheet, or the names in the folder, and of each image the size of its file (of a .zarr
    those of the files in it) and when it was changed; no pixels.

    Parameters
    ----------
    inputs : str or Path
        One image, a folder or a sheet.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    sheet = undivided(Path(inputs))
    found = hashlib.sha256(json.dumps(sheet.rows, sort_keys=True).encode())
    for file in dict.fromkeys(sheet.files("image", "mask", "source")):
        stamp = stamp_of(file)
        found.update(f"{stamp.size} {stamp.changed};".encode())
    return found.hexdigest()
