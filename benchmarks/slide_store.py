"""A slide store in use: how fast it is made, opened and read, whether seams show, and whether every bit is the same.

    python benchmarks/slide_store.py slide.svs --model slide-codec

Prints megapixels that are compressed in a second, the time to open the store, the time of windows of 512² pixels at
random places of the tissue (nothing decoded before; JPEG XL of the same window beside it), the squared error of pixels
beside borders of tiles in terms of that of others, the bytes of glass, and whether a part decodes to the same bytes
with one and with two threads, in other processes and with older instructions of the processor.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from coverslip.core import Region
from coverslip.io import open_slide
from coverslip.results.slide_store import decoder
from coverslip.results.slide_store.store import open_store
from coverslip.samples.slides.patches import drawn_patches
from coverslip.samples.slides.tissue import find_tissue
from coverslip.verbs.predict import predict_to_file
from coverslip.work.asked import Asked

SIDE, TILE, BLOCK, BESIDE = 512, 512, 16, 2

READ = """
import hashlib, sys, torch
torch.set_num_threads(int(sys.argv[2]))
from coverslip.core import Region
from coverslip.results.slide_store.store import open_store
store = open_store(sys.argv[1])
print(hashlib.sha256(store.slide.read(Region(*map(int, sys.argv[3:]))).tobytes()).hexdigest())
"""

OLDER = {"ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default"}


def seams(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Squared error of pixels at most 2 from a border between tiles, over that of all others, and over those of them
    that are as near to another border of 16 pixels, of which every codec of blocks has many."""
    error = np.square(before.astype(float) - after).mean(-1)
    tiles, blocks = (_beside(error.shape, side) for side in (TILE, BLOCK))
    own = error[tiles].mean()
    return float(own / error[~tiles].mean()), float(own / error[blocks & ~tiles].mean())


def _beside(shape: tuple[int, ...], side: int) -> np.ndarray:
    near = []
    for length in shape:
        at = np.arange(length)
        border = np.floor(at / side + 0.5) * side
        near.append((border > 0) & (border < length) & (at >= border - BESIDE) & (at < border + BESIDE))
    found: np.ndarray = near[0][:, None] | near[1][None]
    return found


def digest(store: Path, region: Region, threads: int, **environment: str) -> str:
    """Of what another process decodes of a region."""
    place = map(str, (region.y, region.x, region.height, region.width))
    command = [sys.executable, "-c", READ, str(store), str(threads), *place]
    ended = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def measure(asked: argparse.Namespace, out: Path) -> None:
    """Make the store, and print what is measured."""
    import imagecodecs

    slide = open_slide(asked.slide)
    predict_to_file(asked.model, asked.slide, out, options={"ratio": asked.ratio})
    level = open_store(out).facts["level"]
    again = Asked(force=True)
    begun, own = time.perf_counter(), time.process_time()
    predict_to_file(asked.model, asked.slide, out, asked=again, options={"level": level})
    taken, own = time.perf_counter() - begun, time.process_time() - own
    pixels = slide.height * slide.width / 1e6
    print(f"made at level {level}: {pixels / taken:.2f} MP/s, {pixels / own:.2f} MP per second of one core")
    begun = time.perf_counter()
    store = open_store(out)
    print(f"opened in {1e3 * (time.perf_counter() - begun):.0f} ms; again in ", end="")
    begun = time.perf_counter()
    store = open_store(out)
    print(f"{1e3 * (time.perf_counter() - begun):.0f} ms")

    rng = np.random.default_rng(0)
    tissue = find_tissue(slide)
    store.slide.read(Region(0, 0, 32, 32))  # the model is loaded once
    times, cores, others = [], [], []
    for at in rng.permutation(len(places := drawn_patches(slide, tissue, asked.windows, SIDE)))[: asked.windows]:
        shift = rng.integers(-SIDE // 2, SIDE // 2, 2)
        y, x = (int(np.clip(v + s, 0, n - SIDE)) for v, s, n in zip(
            (places[at].y, places[at].x), shift, (slide.height, slide.width), strict=True,
        ))  # fmt: skip
        decoder._CACHE._held.clear()
        region = Region(y, x, SIDE, SIDE)
        begun, own = time.perf_counter(), time.process_time()
        store.slide.read(region)
        times.append(time.perf_counter() - begun)
        cores.append(time.process_time() - own)
        stream = imagecodecs.jpegxl_encode(np.ascontiguousarray(slide.read(region)[..., :3]), distance=8)
        begun = time.perf_counter()
        imagecodecs.jpegxl_decode(stream)
        others.append(time.perf_counter() - begun)
    print(
        f"window of {SIDE}²: median {np.median(times):.3f} s, of a core {np.median(cores):.3f} s, slowest "
        f"{max(times):.3f} s; JPEG XL {np.median(others):.3f} s"
    )

    whole = Region(0, 0, slide.height, slide.width)
    after = store.slide.read(whole)
    elsewhere, blocks = seams(slide.read(whole)[..., :3], after)
    print(
        f"error beside borders of tiles: {elsewhere:.3f} of that elsewhere, {blocks:.3f} of that beside other borders"
    )
    facts = store.facts
    print(
        f"glass: {facts['glass_tiles']} of {facts['tiles'] + facts['glass_tiles']} tiles, "
        f"{facts['glass_bytes']} of {facts['stream_bytes']} bytes; ratio {24 * 1e6 * pixels / 8 / store.bytes:.0f}"
    )
    part = Region(slide.height // 3, slide.width // 3, 700, 700)
    here = hashlib.sha256(after[part.slices].tobytes()).hexdigest()
    found = [digest(out, part, 1), digest(out, part, 2), digest(out, part, 2, **OLDER)]
    print(f"the same bytes with 1 and 2 threads, in other processes, with SSE4.1: {set(found) == {here}}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slide", type=Path)
    parser.add_argument("--model", default="slide-codec")
    parser.add_argument("--ratio", type=float, default=128)
    parser.add_argument("--windows", type=int, default=20)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        measure(asked, Path(folder) / "slide.cslip.zarr")


if __name__ == "__main__":
    main()
