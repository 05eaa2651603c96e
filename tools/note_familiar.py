"""Note in a shipped model what the images of its fit look like to it, for models fitted before that was noted.

    python tools/note_familiar.py nuclei-fluo ../shared/data/bbbc039 ../shared/data/dsb2018_fluo --split validation

Weights and card stay as they are.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
from ship_model import in_half

import coverslip as cs
from coverslip.core.fields import FieldSubset
from coverslip.models import shipped
from coverslip.nn.familiar import Familiar
from coverslip.samples import open_fields


def main() -> None:
    """Read the arguments, look at the images, write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="of a shipped model")
    parser.add_argument("fields", type=Path, nargs="+", help="sheets or folders of images as those of its fit")
    parser.add_argument("--split", help="only these rows")
    parser.add_argument("--most", type=int, default=96, help="images of each")
    given = parser.parse_args()
    model = cs.load(given.name)
    assert model.folder is not None
    tuning = import_module(f"coverslip.methods.{model.method}.tuning")
    seen = []
    for place in given.fields:
        fields = open_fields(place)
        rows = np.arange(len(fields))
        if given.split:
            rows = rows[fields.obs["split"].astype(str) == given.split]
        seen += tuning.seen(model, FieldSubset(fields, rows), given.most, device="cpu")
    noted = Familiar.noted(seen)
    print(len(seen), noted)
    half = any(array.dtype == np.float16 for array in _stored(model.folder).values())
    weights = in_half(model.weights) if half else model.weights
    card = (model.folder / "card.md").read_text(encoding="utf-8")
    written = replace(model, facts={**model.facts, "familiar": noted}, weights=weights).save(shipped.ROOT / given.name)
    (written / "card.md").write_text(card, encoding="utf-8")


def _stored(folder: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(folder / "weights.safetensors")


if __name__ == "__main__":
    main()
