"""A store beside the slide that it was made from: squares of tissue of both, and how unlike they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import InputError, Region, track
from coverslip.io.images.slides import Slide, open_slide
from coverslip.io.paths import moved_path
from coverslip.measure import ms_ssim, psnr, ssim
from coverslip.results.slide_store.kept import REGIONS, Kept
from coverslip.results.slide_store.originals import region_of, tiles_in
from coverslip.results.slide_store.store import SlideStore
from coverslip.samples.sheets.sheet import names_one_image
from coverslip.samples.slides.patches import drawn_patches
from coverslip.samples.slides.tissue import find_tissue

SIDE = 512


@dataclass(frozen=True)
class Compared:
    """Squares of tissue, before and after.

    Parameters
    ----------
    regions : list of Region
        Where they lie.
    before, after : ndarray of uint8, shape (N, H, W, 3)
    scores : dict of str to ndarray, shape (N,)
        ``PSNR`` (dB), ``SSIM``, ``MS-SSIM``.
    bits : float
        Bits per pixel of the whole level, its glass included.
    notes : tuple of str
        What could not be compared.
    """

    regions: list[Region]
    before: np.ndarray
    after: np.ndarray
    scores: dict[str, np.ndarray]
    bits: float
    notes: tuple[str, ...] = ()

    def worst(self, count: int) -> list[int]:
        """The squares that lost most, by PSNR, the worst first."""
        return [int(i) for i in np.argsort(self.scores["PSNR"], kind="stable")[:count]]

    def words(self, index: int) -> str:
        """Where a square lies, and what it lost."""
        region = self.regions[index]
        scores = ", ".join(f"{name} {values[index]:.3g}" for name, values in self.scores.items())
        return f"row {region.y:,}, column {region.x:,}: {scores}"


def original_of(store: SlideStore, given: Any = None) -> Slide:
    """The slide that a store was made from: as given (or in the folder given), else where its provenance says.

    Raises
    ------
    InputError
        If it is not there, or of another size.
    """
    made_from = store.provenance.get("inputs", {}).get("path")
    if given is None or (Path(given).is_dir() and not names_one_image(given)):
        given = made_from if given is None or made_from is None else moved_path(Path(made_from), Path(given))
        if given is None or not Path(given).exists():
            raise InputError(
                f"The slide that {store.path} was made from is not at {given}; say where it is, as in coverslip "
                f"evaluate {store.path} slide.svs."
            )
    slide = open_slide(given)
    if (slide.height, slide.width) != (store.slide.height, store.slide.width):
        raise InputError(
            f"{given} is {slide.height} x {slide.width} pixels, but {store.path} was made of "
            f"{store.slide.height} x {store.slide.width}; give the slide that it was made from."
        )
    return slide


@dataclass(frozen=True)
class KeptCompared:
    """Regions that are kept, before and after.

    Parameters
    ----------
    psnr : float
        dB, of all their values together; infinite where none is off.
    largest : int
        By how many grey values any of them is off.
    tiles : int
        How many tiles were looked at.
    notes : tuple of str
        What could not be compared.
    """

    psnr: float
    largest: int
    tiles: int
    notes: tuple[str, ...] = ()


def compare_kept(store: SlideStore, original: Slide, count: int, seed: int) -> KeptCompared | None:
    """Compare what is kept in so many tiles, drawn at random; None where nothing is kept.

    Raises
    ------
    InputError
        If the outlines are gone, or nothing can be read.
    """
    if "kept" not in store.facts:
        return None
    slide, grid = store.slide, store.grid(0)
    kept = Kept(store.path / REGIONS, slide.height, slide.width, store.facts["kept"]["error"])
    tiles = [tuple(tile) for tile in store.codec.kept["tiles"]]
    chosen = np.sort(np.random.default_rng(seed).permutation(len(tiles))[:count])
    squares, values, largest, notes = 0, 0, 0, []
    for i in track(chosen.tolist(), "Comparing regions"):
        region = region_of(grid, tiles[i])
        mask = kept.mask(region)
        try:
            after = slide.read(region)[mask].astype(np.int64)
        except InputError as error:
            notes.append(f"What is kept of the tile {tiles[i]} is left out: {error}")
            continue
        off = after - original.read(region)[..., :3][mask]
        squares, values, largest = squares + int((off**2).sum()), values + off.size, max(largest, int(abs(off).max()))
    if not values:
        raise InputError(f"{store.path} keeps regions of which none can be read: {notes[0]}")
    psnr = float(10 * np.log10(255**2 * values / squares)) if squares else float("inf")
    return KeptCompared(psnr, largest, len(chosen) - len(notes), tuple(notes))


def compare(store: SlideStore, original: Slide, count: int, seed: int) -> Compared:
    """Compare squares of tissue drawn at random, apart from regions that are kept; damaged ones are left out and noted.

    Raises
    ------
    InputError
        If none can be compared.
    """
    side = min(SIDE, original.height, original.width)
    found = drawn_patches(original, find_tissue(original), count, side, seed=seed)
    # Regions that are kept are judged by themselves.
    tiles = {tuple(tile) for tile in (store.codec.kept or {}).get("tiles", ())}
    found = [one for one in found if not tiles & set(tiles_in(*one.slices, store.codec.tile))] or found
    regions, before, after, notes = [], [], [], []
    for region in track(found or [Region(0, 0, side, side)], "Comparing"):
        try:
            decoded = store.slide.read(region)
        except InputError as error:
            notes.append(f"The square from row {region.y}, column {region.x} is left out: {error}")
            continue
        regions.append(region)
        after.append(decoded)
        before.append(original.read(region)[..., :3])
    if not regions:
        raise InputError(f"{store.path} has no square of tissue that can be read: {notes[0]}")
    x, y = (np.stack(each).transpose(0, 3, 1, 2) for each in (before, after))
    scores = {"PSNR": psnr(x, y, data_range=255), "SSIM": ssim(x, y, data_range=255)}
    if side >= 176:
        scores["MS-SSIM"] = ms_ssim(x, y, data_range=255)
    bits = 8 * store.facts["stream_bytes"] / (original.height * original.width)
    return Compared(regions, np.stack(before), np.stack(after), scores, bits, tuple(notes))
