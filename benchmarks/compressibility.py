"""Why stained sections compress better than everyday images: one model, one ratio, several kinds of images.

    python benchmarks/compressibility.py ../shared/data --out compressibility/

The question of Nasr et al. (2023), counted as they did: a VAE with a Gaussian prior turns an image into so many numbers
fewer than it has values (1:48; a colour image of 32² into 64 numbers, a grey one into 21). It is fitted anew, with the
same settings, to equally many squares of 32² of each kind, and judged by the squared error of each value on squares of
other source images. Principal components of as many numbers stand beside it. Everyday images are `cifar10_small`, as a
whole, in grey, and its halves of high and of low entropy (of the grey values, 256 bins); sections are BRCA-M2C, in
colour and in grey; fluorescence is BBBC039. Errors are on a scale of 0 to 1, with bootstrap intervals over source
images, and also as a share of the variance of the values: what an image is dull in costs no error.

The table and the figure are written to `--out`; kinds that the table holds already are not fitted again.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from skimage.color import rgb2gray
from skimage.measure import shannon_entropy

import coverslip as cs
from coverslip.cli.progress import shown_progress
from coverslip.core.samples import ArraySamples
from coverslip.io import read_table
from coverslip.measure import bootstrap
from coverslip.train.run import Run

SIDE, TRAINED, JUDGED = 32, 600, 200
RATIO = 48
COLUMNS = ("kind", "values", "numbers", "model", "error", "low", "high", "share", "entropy", "variance")


def sections(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Squares ``(N, 3, 32, 32)`` of stained tissue, and the source image of each."""
    return squares(sorted((data / "brca_m2c" / "images").glob("*.png")), lambda image: image.read()[:3])


def fluorescence(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Squares ``(N, 1, 32, 32)`` of fluorescent nuclei, of 8 bits, each field between its extreme percentiles."""

    def read(image: cs.Image) -> np.ndarray:
        pixels = np.atleast_3d(image.read().squeeze())[..., 0].astype(float)
        low, high = np.percentile(pixels, (0.1, 99.9))
        return np.rint(255 * ((pixels - low) / (high - low)).clip(0, 1)).astype(np.uint8)[None]

    return squares(sorted((data / "bbbc039" / "images").glob("*.*"))[:60], read)


def everyday(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """All images ``(N, 3, 32, 32)`` of everyday things; each is a source of its own."""
    paths = sorted((data / "cifar10_small").rglob("*.jpg"))
    return np.stack([cs.open_image(path).read()[:3] for path in paths]), np.arange(len(paths))


def squares(paths: list[Path], read: Callable[[cs.Image], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Squares drawn at random, as many of each image."""
    rng, found, source = np.random.default_rng(0), [], []
    for number, path in enumerate(paths):
        pixels = read(cs.open_image(path))
        for _ in range(-(-(TRAINED + JUDGED) // len(paths)) + 4):
            y, x = (rng.integers(n - SIDE + 1) for n in pixels.shape[1:])
            found.append(pixels[:, y : y + SIDE, x : x + SIDE])
            source.append(number)
    return np.stack(found), np.array(source)


def grey(images: np.ndarray) -> np.ndarray:
    """Brightness ``(N, 1, H, W)``, 8 bits."""
    return np.rint(255 * rgb2gray(images, channel_axis=1)).astype(np.uint8)[:, None]


def entropies(images: np.ndarray) -> np.ndarray:
    """Of the grey values of each image, bits."""
    plain = images if images.shape[1] == 1 else grey(images)
    return np.array([shannon_entropy(each) for each in plain])


def kinds(data: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """All kinds of images with their sources; the halves of everyday images are as many as there are in each."""
    tissue, slides = sections(data)
    yield "H&E", tissue, slides
    yield "H&E, grey", grey(tissue), slides
    things, own = everyday(data)
    yield "everyday", things, own
    yield "everyday, grey", grey(things), own
    order = np.argsort(entropies(things), kind="stable")
    for name, half in (("low", order[: len(order) // 2]), ("high", order[len(order) // 2 :])):
        yield f"everyday, {name} entropy", things[np.sort(half)], own[np.sort(half)]
    yield "fluorescence", *fluorescence(data)


def divided(sources: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows to fit to and rows to judge on, of different source images; a quarter of the sources is judged on."""
    rng = np.random.default_rng(1)
    names = rng.permutation(np.unique(sources))
    judged = np.isin(sources, names[: len(names) // 4])
    take = [rng.permutation(np.flatnonzero(part)) for part in (~judged, judged)]
    return take[0][:TRAINED], take[1][:JUDGED]


def by_components(fitted: np.ndarray, judged: np.ndarray, numbers: int) -> np.ndarray:
    """Squared error of each value of images rebuilt from principal components."""
    x, y = (each.reshape(len(each), -1) / 255 for each in (fitted, judged))
    mean = x.mean(0)
    basis = np.linalg.svd(x - mean, full_matrices=False)[2][:numbers]
    error: np.ndarray = np.square((y - mean) - (y - mean) @ basis.T @ basis).mean(1)
    return error


def by_vae(fitted: np.ndarray, judged: np.ndarray, numbers: int, epochs: int) -> np.ndarray:
    """Squared error of each value of images rebuilt by a VAE."""
    config = cs.methods.vae.Config(
        latent=numbers, beta=0.02, epochs=epochs, batch=128, normalise="dtype", validation=0.0, schedule="cosine",
        learning_rate=2e-3, augment={"dihedral": True},
    )  # fmt: skip
    model = cs.fit("vae", ArraySamples(fitted), config, run=Run(device="cpu"))
    x, back = model.implementation.reconstruct(model, ArraySamples(judged), device="cpu")
    error: np.ndarray = np.square(back - x).mean((1, 2, 3))
    return error


def rows_of(name: str, images: np.ndarray, sources: np.ndarray, epochs: int) -> Iterator[tuple[object, ...]]:
    """The rows of a kind: principal components and the VAE."""
    values = int(np.prod(images.shape[1:]))
    numbers = max(1, round(values / RATIO))
    train, test = divided(sources)
    fitted, judged = images[train], images[test]
    variance = float((judged / 255).var())
    for model, error in (
        ("principal components", by_components(fitted, judged, numbers)),
        ("VAE", by_vae(fitted, judged, numbers, epochs)),
    ):
        each = np.array([error[sources[test] == one].mean() for one in np.unique(sources[test])])
        found = bootstrap(lambda v: float(v.mean()), each, seed=0)
        yield (
            name, values, numbers, model, found.value, found.low, found.high, found.value / variance,
            float(entropies(judged).mean()), variance,
        )  # fmt: skip


def drawn(table: dict[str, np.ndarray], path: Path) -> None:
    """The figure: errors, with their intervals, and shares of the variance, kind by kind."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(table["kind"].tolist()))
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, column, words in zip(
        figure.subplots(1, 2, sharey=True), ("error", "share"), ("squared error of a value", "share of the variance"),
        strict=True,
    ):  # fmt: skip
        for shift, (model, colour) in enumerate((("VAE", "#0072b2"), ("principal components", "#e69f00"))):
            own = [np.flatnonzero((table["kind"] == name) & (table["model"] == model))[0] for name in names]
            value = table[column][own]
            ends = np.abs(np.stack([table["low"][own], table["high"][own]]) - value) if column == "error" else None
            axes.barh(np.arange(len(names)) + 0.38 * shift, value, 0.36, xerr=ends, color=colour, label=model)
        axes.set_yticks(np.arange(len(names)) + 0.19, names)
        axes.set_xlabel(words)
        axes.locator_params(axis="x", nbins=5)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].invert_yaxis()
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("compressibility"))
    parser.add_argument("--epochs", type=int, default=100)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / "compressibility.csv"
    done = set(read_table(path)["kind"]) if path.exists() and path.stat().st_size else set()
    with shown_progress(), path.open("a", newline="") as stream:
        writer = csv.writer(stream)
        for name, images, sources in kinds(asked.data):
            if name not in done:
                rows = list(rows_of(name, images, sources, asked.epochs))
                writer.writerows(rows if stream.tell() else [COLUMNS, *rows])
                stream.flush()
    table = read_table(path)
    for row in zip(*(table[name] for name in COLUMNS), strict=True):
        kind, values, numbers, model, error, low, high, share, entropy, _ = row
        words = f"{kind:22} {model:21} {values:g} values in {numbers:g}: error {error:.5f} [{low:.5f}, {high:.5f}]"
        print(f"{words}, {share:.1%} of the variance, entropy {entropy:.2f} bits")
    drawn(table, asked.out / "compressibility.png")
    print(f"Table: {path}\nFigure: {asked.out / 'compressibility.png'}")


if __name__ == "__main__":
    main()
