"""Whether what is found is of the same tissue: latents of the slide codec beside colours, PCA, SimCLR and he-nuclei.

    python benchmarks/retrieval.py ../shared/data --codec model/ --write patches     # patches of 112² pixels, a sheet
    coverslip fit simclr patches/sheet.csv --config simclr.yaml --out simclr
    python benchmarks/retrieval.py ../shared/data --codec model/ --simclr simclr

Patches of 224² pixels: of `he_tiles` 9 of each lung or colon tile (LC25000, 5 classes) and 1 of each colorectal tile (7
classes), each set searched by itself, hits from other tiles than the query's; of `monuseg`, at half its resolution, 4
of each image, hits from other patients, by the organ of TCGA's site of collection (colon has one patient only, and
asks nothing). Precision at 5: which share of the 5 nearest is of the query's class; a mean over tiles or patients, with
bootstrap intervals over these. ``purity`` is the same of the nearest 10, ``silhouette`` that of all patches, by cosine.

Nothing has seen a label. PCA and SimCLR were fitted to these very patches, the codec and he-nuclei to other images.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import coverslip as cs
from coverslip.core import track
from coverslip.io.index.nearest import nearest
from coverslip.io.index.store import create_index
from coverslip.measure import bootstrap, paired_difference

SIDE = 224
LEVEL = 12
ORGANS = {
    **dict.fromkeys(("21", "50"), "lung"),
    **dict.fromkeys(("A7", "AR", "E2"), "breast"),
    "B0": "kidney",
    **dict.fromkeys(("CH", "G9"), "prostate"),
    "NH": "colon",
}


@dataclass(frozen=True)
class Patches:
    """Pixels ``(N, 224, 224, 3)``, and of each the set, the class and the source that it is kept apart by."""

    pixels: np.ndarray
    sets: np.ndarray
    classes: np.ndarray
    sources: np.ndarray


def patches(data: Path) -> Patches:
    rows = list(_patches(data))
    return Patches(np.stack([row[0] for row in rows]), *(np.array(each) for each in list(zip(*rows, strict=True))[1:]))


def _patches(data: Path) -> Iterator[tuple[np.ndarray, str, str, str]]:
    for file in sorted((data / "he_tiles").glob("*/*/*.jp*g")):
        kind = "colorectal" if file.parts[-3].startswith("crc") else "lung, colon"
        for part in _squares(_rgb(file)):
            yield part, kind, file.parent.name, file.name
    for file in sorted((data / "monuseg" / "images").glob("*.png")):
        whole = _rgb(file)
        half = whole.reshape(whole.shape[0] // 2, 2, -1, 2, 3).mean((1, 3)).round().astype(np.uint8)
        for part in _squares(half):
            yield part, "organs", ORGANS[file.name.split("-")[1]], file.name[:12]


def _rgb(file: Path) -> np.ndarray:
    return cs.open_image(file).read()[:3].transpose(1, 2, 0)


def _squares(pixels: np.ndarray) -> Iterator[np.ndarray]:
    many = pixels.shape[0] // SIDE
    step = pixels.shape[0] // many
    for y in range(many):
        for x in range(many):
            top, left = (i * step + (step - SIDE) // 2 for i in (y, x))
            yield pixels[top : top + SIDE, left : left + SIDE]


# ---- vectors ---------------------------------------------------------------------------------------------------------


def histograms(pixels: np.ndarray) -> np.ndarray:
    """Shares of 8³ colours."""
    codes = (pixels.astype(int) // 32) @ np.array([64, 8, 1])
    return np.stack([np.bincount(each.ravel(), minlength=512) / each.size for each in codes])


def components(pixels: np.ndarray, count: int = 64) -> np.ndarray:
    small = pixels.reshape(len(pixels), SIDE // 8, 8, SIDE // 8, 8, 3).mean((2, 4)).reshape(len(pixels), -1)
    u, s, _ = np.linalg.svd(small - small.mean(0), full_matrices=False)
    found: np.ndarray = (u * s)[:, :count]
    return found


def latents(pixels: np.ndarray, model: str) -> dict[str, np.ndarray]:
    fitted = cs.load(model)
    coder = fitted.implementation.Coder(fitted, LEVEL)
    decoded = [coder.encode(coder.latents(each))[1] for each in track(pixels, "Encoding")]
    pooled = np.stack([np.r_[each.mean((1, 2)), each.std((1, 2))] for each in decoded])
    return {
        "codec, as searched": np.stack([coder.describe(each) for each in decoded]),
        "codec, mean and deviation": pooled,
    }


def encoder(pixels: np.ndarray) -> np.ndarray:
    """Mean maps of the encoder of he-nuclei at each level, standardised, each level of equal weight."""
    import torch
    import torch.nn.functional as F

    from coverslip.methods.he_nuclei.network import config_of, with_weights

    fitted = cs.load("he-nuclei")
    net = with_weights(config_of(fitted), fitted.weights)
    means: list[list[np.ndarray]] = []
    with torch.inference_mode():
        for each in track(pixels, "he-nuclei"):
            x = torch.from_numpy(each.copy()).permute(2, 0, 1)[None].float() / 255
            x = F.pixel_unshuffle(F.interpolate(x, scale_factor=1.5, mode="bilinear"), net.stem)
            own = []
            for level, block in enumerate(net.down):
                x = block(F.max_pool2d(x, 2) if level else x)
                own.append(x.mean((0, 2, 3)).numpy())
            means.append(own)
    levels = [np.stack([own[level] for own in means]) for level in range(len(net.down))]
    return np.hstack([(each - each.mean(0)) / (each.std(0) + 1e-6) / each.shape[1] ** 0.5 for each in levels])


def shrunk(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(len(pixels), SIDE // 2, 2, SIDE // 2, 2, 3).mean((2, 4)).round().astype(np.uint8)


def contrastive(pixels: np.ndarray, model: str) -> np.ndarray:
    found = cs.predict(model, shrunk(pixels).transpose(0, 3, 1, 2).copy(), clusters=0, orientations="all", device="cpu")
    return np.asarray(found.latent - found.latent.mean(0))


# ---- searching -------------------------------------------------------------------------------------------------------


def precision(vectors: np.ndarray, of: Patches, rows: np.ndarray, top: int) -> dict[str, float]:
    """The precision of each source among the patches of one set."""
    classes, sources = of.classes[rows], of.sources[rows]
    ids = np.array([str(i) for i in range(len(rows))], object)
    with TemporaryDirectory() as folder:
        index = create_index(Path(folder) / "patches.index", vectors.shape[1])
        index = index.add(vectors[rows], {"id": ids, "source": sources.astype(object), "class": classes.astype(object)})
        hits = nearest(index, vectors[rows], top, apart={"source": list(sources)})
    right = hits.rows["class"] == classes[hits.query]
    shares = np.bincount(hits.query, right) / np.bincount(hits.query)
    askable = [len(set(sources[classes == own])) > 1 for own in classes]
    kept = np.flatnonzero(askable)
    return {source: float(shares[kept[sources[kept] == source]].mean()) for source in dict.fromkeys(sources[kept])}


def silhouette(vectors: np.ndarray, classes: np.ndarray) -> float:
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(vectors, classes, metric="cosine"))


def mean(values: np.ndarray) -> float:
    return float(np.mean(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--codec", required=True)
    parser.add_argument("--simclr")
    parser.add_argument("--write", type=Path, help="write the patches, for SimCLR, and stop")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    of = patches(asked.data)
    if asked.write:
        write(of, asked.write)
        return
    shares = histograms(of.pixels)
    vectors = {
        "colour histogram": shares,
        "colour histogram, square roots": np.sqrt(shares),
        "PCA of pixels": components(of.pixels),
        **latents(of.pixels, asked.codec),
        "he-nuclei, encoder": encoder(of.pixels),
    }
    if asked.simclr:
        vectors["SimCLR"] = contrastive(of.pixels, asked.simclr)
    table = []
    for name in dict.fromkeys(of.sets):
        rows = np.flatnonzero(of.sets == name)
        base = precision(vectors["colour histogram"], of, rows, 5)
        for way, each in vectors.items():
            found = precision(each, of, rows, 5)
            value = bootstrap(mean, np.array([*found.values()]))
            more = paired_difference(mean, np.array([*found.values()]), np.array([*base.values()]))
            purity = np.mean([*precision(each, of, rows, 10).values()])
            apart = silhouette(each[rows], of.classes[rows])
            said = f"{value}   {more} more   purity {purity:.3f}   silhouette {apart:.3f}"
            print(f"{name:12s} {way:32s} {said}", flush=True)
            numbers = [number for one in (value, more) for number in (one.value, one.low, one.high)]
            table.append([name, way, *numbers, purity, apart])
    if asked.out:
        measures = ("precision5", "low", "high", "more", "more_low", "more_high", "purity10", "silhouette")
        with open(asked.out, "w", newline="") as file:
            rows = [[*row[:2], *(f"{number:.4f}" for number in row[2:])] for row in table]
            csv.writer(file).writerows([["set", "vectors", *measures], *rows])


def write(of: Patches, folder: Path) -> None:
    from coverslip.io import write_image_tiff

    folder.mkdir(parents=True, exist_ok=True)
    rows = [["image", "set", "source"]]
    for i, pixels in enumerate(shrunk(of.pixels)):
        write_image_tiff(pixels.transpose(2, 0, 1).copy(), folder / f"{i:03d}.tif")
        rows.append([f"{i:03d}.tif", of.sets[i], of.sources[i]])
    with open(folder / "sheet.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)


if __name__ == "__main__":
    main()
