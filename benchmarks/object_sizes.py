"""Objects of other sizes than those of the fit: fields made smaller or larger, and a set of large nuclei.

Images are resized smoothly, masks by nearest neighbours. Counted are objects of at least 100 pixels at the field's own
size (matched first), at IoU 0.5, all objects pooled and as a mean over fields.

    python benchmarks/object_sizes.py ../shared/data/bbbc039 --split validation --model nuclei-fluo --fields 4 \
        --zooms .25 .35 .5 .7 1 1.4 2
    python benchmarks/object_sizes.py ../shared/data/coelho2009 --model nuclei-fluo-kaizen --zooms 1
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from skimage.transform import resize

import coverslip as cs
from coverslip.core.fields import ArrayFields
from coverslip.measure import evaluate_labels
from coverslip.measure.objects.specks import without_specks
from coverslip.read import write_table
from coverslip.samples import open_fields


def main() -> None:
    """Predict at every size; print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split")
    parser.add_argument("--model", default="nuclei-fluo")
    parser.add_argument("--fields", type=int, default=1000, help="at most so many, spread evenly")
    parser.add_argument("--zooms", type=float, nargs="+", default=[1.0])
    parser.add_argument("--out", type=Path, default=Path("sizes"))
    given = parser.parse_args()
    model, fields = cs.load(given.model), open_fields(given.data)
    rows = np.arange(len(fields))
    if given.split:
        rows = np.flatnonzero(fields.obs["split"].astype(str) == given.split)
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(given.fields, len(rows))).round().astype(int))]
    table = []
    for zoom in given.zooms:
        pairs = []
        chosen = []
        for row in rows.tolist():
            pixels, labels = fields.pixels(row)[0], fields.labels(row)
            size = [round(length * zoom) for length in labels.shape]
            if zoom != 1:
                pixels = resize(pixels, size, order=1, anti_aliasing=zoom < 1, preserve_range=True).astype(pixels.dtype)
                labels = resize(labels, size, order=0, anti_aliasing=False, preserve_range=True).astype(labels.dtype)
            found = cs.predict(model, ArrayFields([pixels]), device="cpu")[0]
            chosen.append(found.zoom)
            pairs.append((str(row), *without_specks(labels, found.labels, round(100 * zoom**2))))
        ap = evaluate_labels(pairs).get("ap50")
        shown = f"shown at {min(chosen):.2f} to {max(chosen):.2f}"
        print(f"{given.model} {zoom:5.2f}: pooled {ap.value:.3f}, mean {ap.mean:.3f}, {shown}", flush=True)
        line = {"model": given.model, "zoom": zoom, "fields": len(rows), "ap50": ap.value, "ap50_mean": ap.mean}
        table.append({**line, "shown_least": min(chosen), "shown_most": max(chosen)})
    write_table({key: np.array([line[key] for line in table]) for key in table[0]}, given.out / "object_sizes.csv")


if __name__ == "__main__":
    main()
