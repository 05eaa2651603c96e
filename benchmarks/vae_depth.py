"""Does the depth rule choose the best depth? The source's study, repeated at four sizes on real nuclei.

Nuclei of BBBC039 are cropped at 40 x 40 pixels. `coverslip.study.depth_study` resizes some of them, so that the same
cells are seen at 20, 40, 80 and 140 pixels, and fits a VAE of each depth with the source's settings (latent 2, beta 1,
squared error) to nuclei of training fields, judged by the loss on nuclei of validation fields.

    python benchmarks/vae_depth.py ../shared/data/bbbc039 --out depth/

Fits that are in `--out` already are not made again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from coverslip.cli.progress import shown_progress
from coverslip.cli.tables import print_rows
from coverslip.core import Samples, Subset
from coverslip.samples import crop_sheet, open_samples, read_sheet
from coverslip.study import depth_study

TRAINED, VALIDATED = 600, 200


def chosen(crops: Samples) -> Subset:
    """Some nuclei of training and of validation fields."""
    rng = np.random.default_rng(0)
    split = crops.obs["split"].astype(str)
    parts = (("train", TRAINED), ("validation", VALIDATED))
    return Subset(
        crops, np.concatenate([rng.choice(np.flatnonzero(split == part), n, replace=False) for part, n in parts])
    )


def main() -> None:
    """Fit every depth at every size, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("depth"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 40, 80, 140])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=3)
    arguments = parser.parse_args()
    with shown_progress():
        folder = arguments.out / "crops"
        if not folder.exists():
            crop_sheet(read_sheet(arguments.data), folder, 40, border="drop", min_area=100)
        found = depth_study(
            "vae",
            chosen(open_samples(folder)),
            arguments.out,
            sizes=[(size, size) for size in arguments.sizes],
            settings={"latent": 2, "beta": 1.0, "epochs": arguments.epochs},
            restarts=arguments.restarts,
        )
    print_rows([{key: v[0] if isinstance(v, tuple) else v for key, v in row.items()} for row in found.table])
    print("", *found.notes, sep="\n")


if __name__ == "__main__":
    main()
