"""Does the depth rule choose the best depth? The source's study, repeated at four sizes on real nuclei.

Nuclei of BBBC039 are cropped at 40 x 40 pixels and resized, so that the same cells are seen at 20, 40, 80 and 140
pixels. At every size a VAE of each depth is fitted with the source's settings (latent 2, beta 1, squared error) to
nuclei of training fields, and judged by the loss on nuclei of validation fields.

    python benchmarks/vae_depth.py ../shared/data/bbbc039 --out depth/

Fits that are in `--out` already are not made again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from skimage.transform import resize

from coverslip.cli.progress import shown_progress
from coverslip.core.samples import ArraySamples, Samples
from coverslip.methods.vae.architecture import depth_rule
from coverslip.read import write_table
from coverslip.samples import crop_sheet, open_samples, read_sheet
from coverslip.study.sweep import run_sweep

DEPTHS = {20: (1, 2, 3, 4), 40: (1, 2, 3, 4, 5), 80: (1, 2, 3, 4, 5), 140: (2, 3, 4, 5)}
TRAINED, VALIDATED = 600, 200


def resized(crops: Samples, size: int) -> ArraySamples:
    """Some nuclei at another size, from training and validation fields."""
    rng = np.random.default_rng(0)
    split = crops.obs["split"].astype(str)
    rows = np.concatenate(
        [
            rng.choice(np.flatnonzero(split == part), n, replace=False)
            for part, n in (("train", TRAINED), ("validation", VALIDATED))
        ]
    )
    pixels = crops.read(rows).astype(np.float32)
    out = resize(pixels, (*pixels.shape[:2], size, size), order=1, anti_aliasing=size < 40, preserve_range=True)
    return ArraySamples(np.rint(out).astype(np.uint16), {"split": split[rows]})


def main() -> None:
    """Fit every depth at every size, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("depth"))
    parser.add_argument("--sizes", type=int, nargs="+", default=list(DEPTHS))
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=1)
    arguments = parser.parse_args()

    table = []
    with shown_progress():
        folder = arguments.out / "crops"
        if not folder.exists():
            crop_sheet(read_sheet(arguments.data), folder, 40, border="drop", min_area=100)
        crops = open_samples(folder)
        for size in arguments.sizes:
            settings = {"latent": 2, "beta": 1.0, "epochs": arguments.epochs}
            rows = run_sweep(
                "vae",
                resized(crops, size),
                {"depth": DEPTHS[size]},
                arguments.out / str(size),
                settings=settings,
                restarts=arguments.restarts,
            )
            table += [{"size": size, "rule": depth_rule(size, size), **row} for row in rows]

    names = ("size", "depth", "rule", "seed", "val_loss", "val_reconstruction", "val_kl", "active_units", "parameters")
    write_table({name: np.array([row[name] for row in table]) for name in names}, arguments.out / "vae_depth.csv")
    print("size  depth  rule  loss per image (validation)  per pixel  KL (nats)  active  parameters")
    for size in arguments.sizes:
        depths = {d: [r for r in table if (r["size"], r["depth"]) == (size, d)] for d in DEPTHS[size]}
        losses = {d: float(np.mean([r["val_loss"] for r in rows])) for d, rows in depths.items()}
        best = min(losses, key=losses.__getitem__)
        for d, rows in depths.items():
            kl = np.mean([r["val_kl"] for r in rows])
            active = np.mean([r["active_units"] for r in rows])
            marks = ("  <- best" if d == best else "") + ("  <- rule" if d == rows[0]["rule"] else "")
            print(
                f"{size:4}  {d:5}  {rows[0]['rule']:4}  {losses[d]:27.2f}  {losses[d] / size**2:9.5f}  {kl:9.2f}"
                f"  {active:6.1f}  {rows[0]['parameters']:10,}{marks}"
            )


if __name__ == "__main__":
    main()
