"""Reading 256 x 256 tiles of a JPEG-tiled slide: Coverslip beside OpenSlide, in one process, in turns.

    python benchmarks/slide_reading.py [slide.svs]

Without a slide one of 20,000 x 20,000 pixels is made of textures. Prints the median ratio, for tiles that lie on those
of the file and for windows anywhere, and whether all pixels are the same.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from coverslip.core import Region
from coverslip.io import open_slide

SIDE, ROUNDS, TILES = 256, 9, 60


def made(folder: Path, side: int) -> Path:
    """A slide of one level in JPEG tiles with shared tables, as scanners write them."""
    import tifffile

    rng = np.random.default_rng(0)
    coarse = rng.integers(60, 255, (64, 64, 3)).astype(np.uint8)
    texture = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    path = folder / "slide.tif"

    def tiles() -> object:
        for _ in range((-(-side // SIDE)) ** 2):
            y, x = rng.integers(0, texture.shape[0] - SIDE, 2)
            noise = rng.integers(-12, 12, (SIDE, SIDE, 1))
            yield np.clip(texture[y : y + SIDE, x : x + SIDE].astype(int) + noise, 0, 255).astype(np.uint8)

    tifffile.imwrite(
        path,
        tiles(),
        shape=(side, side, 3),
        dtype=np.uint8,
        photometric="rgb",
        tile=(SIDE, SIDE),
        compression="jpeg",
        compressionargs={"level": 80, "subsampling": (2, 2)},
    )
    return path


def seconds(read: Callable[[int, int], np.ndarray], places: np.ndarray) -> float:
    start = time.perf_counter()
    for y, x in places.tolist():
        read(y, x)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slide", nargs="?", type=Path)
    parser.add_argument("--side", type=int, default=20_000)
    asked = parser.parse_args()
    try:
        import openslide
    except ImportError:
        sys.exit("OpenSlide is not installed: pip install 'coverslip[slides]'.")
    with tempfile.TemporaryDirectory() as folder:
        path = asked.slide or made(Path(folder), asked.side)
        own, other = open_slide(path), openslide.OpenSlide(str(path))
        # Its cache keeps decoded tiles; what is measured is decoding.
        other.set_cache(openslide.OpenSlideCache(0))
        height, width = own.height // SIDE, own.width // SIDE
        rng = np.random.default_rng(1)

        def ours(y: int, x: int) -> np.ndarray:
            return own.read(Region(y, x, SIDE, SIDE))

        def theirs(y: int, x: int) -> np.ndarray:
            return np.asarray(other.read_region((x, y), 0, (SIDE, SIDE)))[..., :3]

        for words, step in (("aligned", SIDE), ("anywhere", 1)):
            ratios, same = [], True
            for _ in range(ROUNDS):
                most = ((height - 1) * SIDE // step, (width - 1) * SIDE // step)
                places = np.stack([rng.integers(0, n, TILES) for n in most], 1) * step
                times = seconds(ours, places), seconds(theirs, places)
                ratios.append(times[1] / times[0])
                y, x = places[0]
                same &= bool((ours(int(y), int(x)) == theirs(int(y), int(x))).all())
            low, middle, high = np.percentile(ratios, [25, 50, 75])
            print(f"{words}: {middle:.2f} times as fast as OpenSlide [{low:.2f}, {high:.2f}], pixels the same: {same}")


if __name__ == "__main__":
    main()
