"""Orders along a scale against known ones: phantom plates, plates without any effect, Pap-smear grades, cell cycle.

    python benchmarks/rankings.py phantom
    python benchmarks/rankings.py null --plates 100
    python benchmarks/rankings.py jurkat --data ../shared/data
    python benchmarks/rankings.py herlev-images --data ../shared/data --folder herlev
    coverslip fit simclr herlev --set width=16 --set stem=medium --set epochs=60 --set recipe.crop=0.7 --out simclr
    coverslip predict simclr herlev --out herlev-simclr.h5ad
    python benchmarks/rankings.py herlev --folder herlev --vectors herlev-simclr.h5ad

Every number is of samples that the fit had not seen. Beside the consensus stand the naive way of doing it and the
measure that a person would take.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import coverslip as cs
from coverslip.io.h5ad import read_embedding
from coverslip.measure import bootstrap, evaluate_ranking, pairwise_auroc, spearman
from coverslip.samples import (
    PlateSettings,
    SpheroidSettings,
    find_spheroid,
    phantom_plates,
    prepare_spheroids,
    spheroid_features,
)
from coverslip.samples.spheroids.phantom import draw, draw_plate, grown, seeded
from coverslip.samples.spheroids.phantom_plates import IMAGE_PATTERN, LAYOUT, TRUTH

HERLEV = ("light_dysplastic", "moderate_dysplastic", "severe_dysplastic", "carcinoma_in_situ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("phantom", "null", "herlev-images", "herlev", "jurkat"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--plates", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("herlev"), help="of herlev-images")
    parser.add_argument("--vectors", type=Path, nargs="*", default=[], help="embeddings of that folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", action="store_true", help="of phantom: features alone")
    given = parser.parse_args()
    if given.what == "phantom":
        phantom(given.seed, given.short)
    elif given.what == "null":
        null(given.plates, given.first)
    elif given.what == "herlev-images":
        herlev_images(given.data, given.folder)
    elif given.what == "herlev":
        herlev(given.folder, given.vectors)
    else:
        jurkat(given.data)


def prepared(settings: PlateSettings, folder: Path) -> tuple[cs.Embedding, np.ndarray, np.ndarray]:
    """Features of phantom plates, their true effects, and their raw pixels."""
    phantom_plates(folder / "plates", settings, overwrite=True)
    prepare_spheroids(
        folder / "plates",
        folder / "prepared",
        SpheroidSettings(size=32),
        pattern=IMAGE_PATTERN,
        layout=folder / "plates" / LAYOUT,
        overwrite=True,
    )
    vectors = read_embedding(folder / "prepared" / "features.h5ad")
    with open(folder / "plates" / TRUTH) as stream:
        truth = {row["image"]: float(row["effect"]) for row in csv.DictReader(stream)}
    effects = np.array([truth[str(image)] for image in vectors.column("image")])
    samples = cs.samples.open_samples(folder / "prepared" / "sheet.csv")
    pixels = samples.read(np.arange(len(samples)))[:, 1].reshape(len(samples), -1).astype(np.float32)
    return vectors, effects, pixels


def phantom(seed: int, short: bool = False) -> None:
    """5 doses x 12 wells x 3 plates with batch effects: held-out plates, and the naive way beside."""
    with tempfile.TemporaryDirectory() as folder:
        vectors, effects, pixels = prepared(PlateSettings(seed=seed), Path(folder))
    obs = {str(name): np.asarray(vectors.adata.obs[name]) for name in vectors.adata.obs.columns}
    raw = cs.Embedding.from_arrays(pixels, obs)
    naive = {"controls": "first_day", "group": "image", "strategies": "centroid", "distances": "cosine"}
    images = {"predictor": "images", "shape": (1, 32, 32), "strategies": "prediction", "restarts": 1}
    images |= {"epochs": 500, "patience": 50, "learning_rate": 1e-3}
    ways: list[tuple[str, cs.Embedding, dict[str, Any]]] = [
        ("features, plates held out", vectors, {}),
        ("features, controls of day 7, images held out", vectors, {"controls": "first_day", "group": "image"}),
        ("features, no look at plates", vectors, {"controls": "none"}),
        ("raw pixels, plates held out", raw, {}),
        ("naive: raw pixels, day 7, images held out, one centroid", raw, {**naive, "adjust": False}),
        ("raw pixels, image to image, plates held out", raw, images),
    ]
    if short:
        ways = [*ways[:1], (f"{ways[0][0]}, whatever the first day was", vectors, {"adjust": False})]
    for name, given, settings in ways:
        found = cs.predict(cs.fit("rank", given, settings), given)
        show(name, found, effects)


def show(name: str, found: cs.Ranking, effects: np.ndarray) -> None:
    """The rank correlation with the true effect over the screened wells, and over their treatments."""
    screened = (found.column("role") == "sample") & np.isfinite(found.column("score"))
    last = screened | np.isin(found.column("role"), ("low control", "high control")) & (day(found) == 10)
    columns = ["score", *(f"score_{strategy}" for strategy in found.facts["strategies"])]
    words = ", ".join(
        f"{c.removeprefix('score_')} {spearman(found.column(c)[screened], effects[screened]):.3f}" for c in columns
    )
    interval = bootstrap(spearman, found.column("score")[screened], effects[screened], n=1000)
    treated = {str(t): s for t, s in zip(found.treatments["treatment"], found.treatments["score"], strict=True)}
    print(
        f"{name}: screened wells (n {int(screened.sum())}): {words}; interval of the score "
        f"[{interval.low:.3f}, {interval.high:.3f}]; with controls "
        f"{spearman(found.column('score')[last], effects[last]):.3f}; Z' {found.facts['z_prime']:.2f}, tau "
        f"{found.facts['agreement']:.2f}; {found.facts['verdict']}; treatments {list(treated)}",
        flush=True,
    )


def day(found: cs.Ranking) -> np.ndarray:
    return np.array([float(value) for value in found.column("day")])


def null(plates: int, first: int) -> None:
    """Plates on which no drug has an effect, but every spheroid ages: how often is that said?"""
    words: dict[str, list[str]] = {"the single dose works": [], "nothing works": []}
    for seed in range(first, first + plates):
        for name, effect in (("the single dose works", 1.0), ("nothing works", 0.0)):
            if effect == 0 and seed % 4:  # the easier case, on every fourth plate
                continue
            vectors = null_plate(np.random.default_rng((seed, int(effect))), effect)
            words[name].append(str(cs.predict(cs.fit("rank", vectors, {"restarts": 1}), vectors).facts["verdict"]))
    for name, said in words.items():
        print(
            f"{name}: {first} to {first + plates - 1}:",
            {word: said.count(word) for word in sorted(set(said))},
            flush=True,
        )


def null_plate(rng: np.random.Generator, effect: float, wells: int = 4, controls: int = 8) -> cs.Embedding:
    """Features of one plate, measured in the drawn images as they are: five doses of a drug that does nothing."""
    plate = draw_plate(rng)
    plan = [("untreated", "untreated", 0.0)] * controls + [("single_dose", "reference", effect)] * controls
    plan += [("drug_screen", f"dose {i}", 0.0) for i in range(5) for _ in range(wells)]
    rows, vectors = [], []
    for number, (label, treatment, own) in enumerate(plan):
        young = seeded(rng)
        for day, spheroid in ((7, young), (10, grown(young, own, rng))):
            found = find_spheroid(draw(spheroid, plate, (96, 96), 1, rng).planes[0])
            vectors.append(list(spheroid_features(found, 96).values()))
            rows.append({"plate": "P", "well": str(number), "day": day, "treatment": treatment, "label": label})
    return cs.Embedding.from_arrays(
        np.array(vectors), {name: np.array([row[name] for row in rows]) for name in rows[0]}
    )


def herlev_images(data: Path, out: Path) -> None:
    """Write the cells without their canvas, 64 x 64, with a sheet, to embed them without labels."""
    out.mkdir(parents=True, exist_ok=True)
    lines = ["image,label,ratio,box_height,box_width"]
    for grade in HERLEV:
        for i, file in enumerate(sorted((data / "herlev_papsmear" / "images" / grade).glob("*.jpg"))):
            picture, ratio, box = of_cell(file)
            name = f"{grade}_{i:03d}.tif"
            cs.read.write_image_tiff(picture, out / name, axes="CYX", channels=("red", "green", "blue"))
            lines.append(f"{name},{grade},{ratio:.5f},{box[0]},{box[1]}")
    (out / "sheet.csv").write_text("\n".join([*lines, ""]))


def of_cell(file: Path) -> tuple[np.ndarray, float, tuple[int, int]]:
    """A cell ``(3, 64, 64)`` uint8, its nucleus over its cytoplasm, and height and width of what is no canvas.

    The images lie on canvases of 200 x 200, filled with one colour; these are cut off, and the image is made square by
    mirroring it at its borders.
    """
    from PIL import Image
    from skimage.transform import resize

    pixels = np.asarray(Image.open(file).convert("RGB")).astype(np.float32)
    mask = np.asarray(Image.open(str(file).replace("/images/", "/masks/").replace(".jpg", "-d.jpg")).convert("RGB"))
    nucleus = (mask[..., 2] > 190) & (mask[..., 0] < 64)
    cytoplasm = (mask[..., 2] > 64) & (mask[..., 2] <= 190) & (mask[..., 0] < 64)
    # Canvas: rows and columns at the border that hold one colour.
    flat_rows, flat_columns = (pixels.std(axis=axis).max(-1) < 4 for axis in (1, 0))
    top, bottom = borders(flat_rows)
    left, right = borders(flat_columns)
    content = pixels[top:bottom, left:right]
    side = max(content.shape[:2])
    missing = [side - n for n in content.shape[:2]]
    padded = np.pad(content, [*((m // 2, m - m // 2) for m in missing), (0, 0)], mode="symmetric")
    small = resize(padded, (64, 64), order=1, anti_aliasing=True, preserve_range=True)
    ratio = nucleus[top:bottom, left:right].sum() / max(cytoplasm[top:bottom, left:right].sum(), 1)
    return np.moveaxis(small, -1, 0).round().astype(np.uint8), float(ratio), (bottom - top, right - left)


def borders(flat: np.ndarray) -> tuple[int, int]:
    inside = np.flatnonzero(~flat)
    return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, len(flat))


def herlev(folder: Path, vectors: list[Path]) -> None:
    """Dysplasia by grade, the two ends known, held out by fold; `vectors` were learned without labels."""
    from sklearn.decomposition import PCA

    sheet = cs.samples.read_sheet(folder)
    grades, images = np.array(sheet.column("label")), np.array([row["image"] for row in sheet.rows])
    columns = {"image": images, "label": grades}
    samples = cs.samples.open_samples(sheet)
    pixels = samples.read(np.arange(len(samples))).astype(np.float32)
    box = np.array([[float(row["box_height"]), float(row["box_width"])] for row in sheet.rows])
    canvas = np.column_stack([box, box[:, 0] / box[:, 1], box[:, 0] * box[:, 1]])
    grey, spectrum = grey_values(pixels), spectra(pixels)

    def components(values: np.ndarray, count: int) -> np.ndarray:
        return np.asarray(PCA(count, random_state=0).fit_transform(values.reshape(len(values), -1)) / values.std())

    blocks = pixels.reshape(len(pixels), 3, 16, 4, 16, 4).mean((3, 5))
    of = {
        "canvas alone": canvas,
        "PCA of pixels": components(blocks, 16),
        "PCA of grey values": components(grey, 16),
        "PCA of spectra": components(spectrum, 12),
        "PCA of grey values and of spectra": np.hstack([components(grey, 16), components(spectrum, 12)]),
    }
    given = {name: cs.Embedding.from_arrays(values, columns) for name, values in of.items()}
    given |= {path.stem: read_embedding(path) for path in vectors}
    for name, embedding in given.items():
        found = cs.predict(cs.fit("rank", embedding, {"anchors": (HERLEV[0], HERLEV[-1])}), embedding)
        report(name, found, np.array([str(word) for word in embedding.column("label")]), HERLEV)
    ratio = np.array([float(text) for text in sheet.column("ratio")])
    print_table("human", evaluate_ranking({"nucleus/cytoplasm": ratio}, grades, HERLEV))


def grey_values(pixels: np.ndarray) -> np.ndarray:
    """Sorted grey values of each channel, less their mean: how much is how dark, wherever it lies."""
    flat = pixels.reshape(*pixels.shape[:2], -1)
    return np.sort(flat - flat.mean(2, keepdims=True), axis=2)[:, :, ::64].reshape(len(pixels), -1)


def spectra(pixels: np.ndarray) -> np.ndarray:
    """Log power by spatial frequency, over all directions: neither place nor turn matters."""
    grey = pixels.mean(1)
    grey = (grey - grey.mean((1, 2), keepdims=True)) / grey.std((1, 2), keepdims=True)
    power = np.log1p(np.abs(np.fft.fftshift(np.fft.fft2(grey), axes=(1, 2))) ** 2)
    half = grey.shape[1] // 2
    y, x = np.mgrid[-half:half, -half:half]
    ring = np.hypot(y, x).astype(int)
    return np.stack([power[:, ring == k].mean(1) for k in range(half - 2)], axis=1)


def report(name: str, found: cs.Ranking, truth: np.ndarray, order: Iterable[str]) -> None:
    columns = {"consensus": found.column("score")}
    columns |= {s: found.column(f"score_{s}") for s in found.facts["strategies"]}
    print_table(name, evaluate_ranking(columns, truth, tuple(order)))
    print(f"{name}: {found.facts['verdict']}: {found.facts['why']}", flush=True)


def print_table(name: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        interval = f" [{row['low']:.3f}, {row['high']:.3f}]" if np.isfinite(row["low"]) else ""
        print(
            f"{name} | {row['scale']} | {row['measure']} | {row['value']:.3f}{interval} | n {row['n']} {row['note']}",
            flush=True,
        )


def jurkat(data: Path) -> None:
    """Cell cycle with G1 and G2 known, S to be placed; total DNA intensity beside."""
    from sklearn.decomposition import PCA

    sheet = cs.samples.read_sheet(data / "jurkat_cellcycle" / "sheet.csv")
    phase = np.array(sheet.column("label"))
    order = ("G1", "S_phase", "G2")
    kept = np.flatnonzero(np.isin(phase, order))
    samples = cs.samples.open_samples(sheet)
    pixels = samples.read(kept).astype(np.float32)
    dna = pixels[:, 1]
    total = (dna - np.median(dna, axis=(1, 2), keepdims=True)).clip(0).sum((1, 2))
    names = np.array([sheet.rows[i]["image"] for i in kept])
    for name, chosen in (("PCA 32 of all channels", [0, 1, 2]), ("PCA 32 without the DNA stain", [0, 2])):
        flat = (pixels[:, chosen] / pixels[:, chosen].std((0, 2, 3), keepdims=True)).reshape(len(kept), -1)
        vectors = cs.Embedding.from_arrays(
            PCA(32, random_state=0).fit_transform(flat), {"image": names, "label": phase[kept]}
        )
        found = cs.predict(cs.fit("rank", vectors, {"anchors": ("G1", "G2")}), vectors)
        report(name, found, phase[kept], order)
    print_table("human", evaluate_ranking({"total DNA": total}, phase[kept], order))
    print({pair: round(value, 3) for pair, value in pairwise_auroc(total, phase[kept], order).items()})


if __name__ == "__main__":
    main()
