"""Vectors of patches of slides, from the latents that a store holds anyway: a store is its own index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.core import Embedding, InputError, Region, track
from coverslip.core.cores import cores
from coverslip.io.images.slides import Slide, open_slide
from coverslip.io.paths import PATH_COLUMNS
from coverslip.models.folder import Model
from coverslip.models.record import prediction_record
from coverslip.results.slide_store.container import Damaged, unpacked
from coverslip.results.slide_store.decoder import Glass
from coverslip.results.slide_store.encoder import with_border
from coverslip.results.slide_store.grid import TILES
from coverslip.results.slide_store.store import SlideStore
from coverslip.results.slide_store.used import INSIDE, coder_from
from coverslip.samples.slides.chosen import Patches, facts_of

_LEVEL = 12
"""Level of quality that pixels are rounded at where nothing says which."""


def vectors(store: SlideStore, patches: Patches) -> tuple[Embedding, tuple[str, ...]]:
    """Vectors of the patches of a store; no pixels of the full resolution are decoded.

    Parameters
    ----------
    store : SlideStore
    patches : Patches

    Returns
    -------
    embedding : Embedding
        A row for each patch with the columns of `facts_of`.
    notes : tuple of str
        What was left out because it is damaged.

    Raises
    ------
    InputError
        If there is no tissue, or none of it can be read.
    """
    regions, tissue = patches.of(store.slide)
    chunk = store.grid(0).chunk
    by_chunk = [
        (place, list(each))
        for place, each in groupby(
            sorted(regions, key=lambda r: (r.y // chunk, r.x // chunk)), key=lambda r: (r.y // chunk, r.x // chunk)
        )
    ]
    coder = coder_from(store)
    found: dict[Region, np.ndarray] = {}
    notes: list[str] = []
    with ThreadPoolExecutor(min(cores(), len(by_chunk))) as pool:
        parts = pool.map(lambda job: _of_chunk(store, coder, *job), by_chunk)
        for described, complaints in track(parts, "Reading latents", total=len(by_chunk)):
            found |= described
            notes += complaints
    kept = [region for region in regions if region in found]
    if not kept and not notes:
        raise InputError(f"There is no tissue in {patches.region or store.path}; choose another region.")
    if not kept:
        raise InputError(f"{store.path} has no patch whose latents can be read: {notes[0]}")
    facts = facts_of(store.slide, store.path.resolve(), kept, tissue, _row(store.facts.get("row", {})))
    latent = np.stack([found[region] for region in kept])
    return Embedding.from_arrays(latent, facts, provenance=_record(store, patches)), tuple(notes)


def embed(model: Model, inputs: Any, patches: Patches, level: int | None = None) -> tuple[Embedding, tuple[str, ...]]:
    """Vectors of patches of slides or images that are no stores, as if they were; nothing is written.

    Parameters
    ----------
    model : Model
        A codec.
    inputs : Any
        As for `coverslip.predict`.
    patches : Patches
    level : int, optional
        Level of quality that latents are rounded at.

    Raises
    ------
    InputError
        If there is no tissue.
    """
    fields = model.open_usable(inputs)
    # In a store the border of a patch is hardly ever that of a tile.
    coder = model.implementation.Coder(model, _LEVEL if level is None else level, border=0)
    latents, facts = [], []
    for i in track(range(len(fields)), "Embedding slides"):
        path = Path(fields.name(i))
        slide = open_slide(path) if path.exists() else Slide((fields.image(i),))
        regions, tissue = patches.of(slide)
        latents += [coder.describe(coder.encode(_latents(coder, slide, region))[1]) for region in regions]
        row = _row({str(name): str(column[i]) for name, column in fields.obs.items()})
        facts.append(facts_of(slide, Path(slide.source).resolve(), regions, tissue, row))
    names = list(dict.fromkeys(name for each in facts for name in each))
    columns = {
        name: np.concatenate([each.get(name, np.full(len(each["image"]), np.nan)) for each in facts]) for name in names
    }
    record = prediction_record(model, inputs, fields)
    record |= {"kind": "embedding", "model": {**record["model"], "patch_px": patches.side, "level": coder.level}}
    return Embedding.from_arrays(np.stack(latents), columns, provenance=record), ()


def _of_chunk(
    store: SlideStore, coder: Any, place: tuple[int, int], regions: list[Region]
) -> tuple[dict[Region, np.ndarray], list[str]]:
    """What patches of a chunk look like, and what is wrong with those that cannot be read."""
    grid = store.grid(0)
    name = f"0/c/0/{place[0]}/{place[1]}"
    try:
        streams = unpacked((store.path / name).read_bytes(), TILES * TILES)
    except (Damaged, OSError) as error:
        return {}, [f"The chunk {name} is left out: {error}"]
    glass = Glass.of(store.codec.glass).latents
    tiles: dict[tuple[int, int], np.ndarray] = {}
    found, notes = {}, []
    for region in regions:
        if not any(streams[row % TILES * TILES + column % TILES] for row, column in _tiles_of(region, grid.tile)):
            continue  # glass, whatever the decoded overview looks like
        try:
            for row, column in _tiles_of(region, grid.tile):
                if (row, column) not in tiles:
                    stream, size = streams[row % TILES * TILES + column % TILES], grid.size(row, column)
                    empty = np.broadcast_to(glass[:, None, None], (len(glass), *size))
                    tiles[row, column] = coder.decode(stream, size) if stream else empty
        except InputError as error:
            notes.append(f"The patch {region.text} is left out: {error}")
            continue
        rows = range(region.y // grid.tile, (region.stop_y - 1) // grid.tile + 1)
        columns = range(region.x // grid.tile, (region.stop_x - 1) // grid.tile + 1)
        whole = np.concatenate([np.concatenate([tiles[r, c] for c in columns], axis=2) for r in rows], axis=1)
        top, left = ((at - n[0] * grid.tile) // grid.side for at, n in ((region.y, rows), (region.x, columns)))
        height, width = (-(-n // grid.side) for n in (region.height, region.width))
        found[region] = coder.describe(whole[:, top : top + height, left : left + width])
    return found, notes


def _tiles_of(region: Region, tile: int) -> Iterator[tuple[int, int]]:
    for row in range(region.y // tile, (region.stop_y - 1) // tile + 1):
        for column in range(region.x // tile, (region.stop_x - 1) // tile + 1):
            yield row, column


def _latents(coder: Any, slide: Slide, region: Region) -> np.ndarray:
    """Latents of a patch, with what lies around it in sight; its sides are cut to even numbers of positions."""
    side, around = coder.side, coder.around
    height, width = (max(n // (2 * side), 1) * 2 * side for n in (region.height, region.width))
    wider = Region(region.y - around, region.x - around, height + 2 * around, width + 2 * around)
    pixels = with_border(lambda part: slide.read(part)[..., :3], wider, slide.height, slide.width)
    edge = around // side
    found: np.ndarray = coder.latents(pixels)[:, edge:-edge, edge:-edge]
    return found


def _row(row: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in row.items() if name not in PATH_COLUMNS}


def _record(store: SlideStore, patches: Patches) -> dict[str, Any]:
    """Provenance: that of the store, with the model where it lies now."""
    model = dict(store.provenance.get("model", {}))
    reference = store.codec.model
    folder = str((store.path / INSIDE).resolve()) if reference.get("inside") else reference.get("name")
    model |= {"folder": folder, "weights_sha256": reference.get("sha256")}
    model |= {"patch_px": patches.side, "level": store.codec.level}
    return {
        **store.provenance,
        "kind": "embedding",
        "model": model,
        "inputs": {"path": str(store.path.resolve()), "folder": str(store.path.resolve().parent)},
    }
