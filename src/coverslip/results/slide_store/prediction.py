"""Slides compressed into stores."""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from coverslip.core import (
    Fields,
    FieldSubset,
    InputError,
    PixelSize,
    Region,
    Written,
)
from coverslip.core.words import number_of
from coverslip.io.atomic import atomic_folder, refuse_existing, refuse_own
from coverslip.io.images.slides import Slide, open_slide
from coverslip.io.listing import bare_name
from coverslip.io.places import held
from coverslip.io.tags import PROVENANCE
from coverslip.models.folder import Model
from coverslip.models.record import asked_of, finished, prediction_record
from coverslip.models.shipped import names as shipped_names
from coverslip.results.slide_store.codec import SlideCodec
from coverslip.results.slide_store.encoder import (
    FACTOR,
    Counted,
    at_once,
    encode_level,
    glass_of,
    scratch,
    with_border,
)
from coverslip.results.slide_store.folder import ENDING
from coverslip.results.slide_store.grid import Grid
from coverslip.results.slide_store.kept import Kept, in_words, keep
from coverslip.results.slide_store.options import Predict
from coverslip.results.slide_store.store import FACTS, open_store, size_of
from coverslip.results.slide_store.used import FILES, INSIDE, reference
from coverslip.samples.slides.patches import drawn_patches
from coverslip.samples.slides.tissue import Tissue, find_tissue
from coverslip.work.asked import Asked

_COARSEST = 1024
_TRIED = 12
_SEED = 0
_REST = 0.93
"""What is left for the full resolution: the others take about a fifteenth."""


def predict(model: Model, inputs: Any, asked: Asked, options: Predict, given: Mapping[str, Any]) -> Any:
    """Compress slides into a folder that is gone with the result; see `coverslip.predict`."""
    fields = model.open(inputs, **asked.input)
    found = []
    for i in range(len(fields)):
        folder = Path(mkdtemp(prefix="coverslip-"))
        path = folder / f"slide{ENDING}"
        _written(model, _slide(fields, i, asked), fields, i, path, asked, options)
        store = open_store(path)
        weakref.finalize(store, shutil.rmtree, folder, ignore_errors=True)
        found.append(store)
    return found[0] if len(found) == 1 else found


def predict_to_file(
    model: Model, inputs: str | Path, out: str | Path | None, asked: Asked, options: Predict, given: Mapping[str, Any]
) -> Written:
    """Compress slides; see `coverslip.verbs.predict.predict_to_file`.

    One slide becomes a store; several become a folder of stores, in which one that cannot be used stops no other.
    """
    source = Path(inputs)
    fields = model.open_usable(source, **asked.input)
    if len(fields) > 1:
        from coverslip.results.slide_store.several import compress_all

        return compress_all(model, fields, source, out, asked, options)
    out = Path(out or f"{bare_name(source)}{ENDING}")
    if not out.name.lower().endswith(ENDING):
        raise InputError(f"{out} should end in {ENDING}, for one slide can be used, and becomes a store of its own.")
    return compress(model, fields, 0, source, out, asked, options)


def compress(
    model: Model, fields: Fields, index: int, source: Path, out: Path, asked: Asked, options: Predict
) -> Written:
    """Compress one slide of several, unless it is there and work is to go on."""
    with held(out):
        if asked.resume and out.exists() and not asked.force:
            return finished(out, _asked(model, fields, index, asked, options))
        refuse_existing(out, asked.force)
        refuse_own(out, [source.resolve()])
        return _written(model, _slide(fields, index, asked), fields, index, out, asked, options)


def _asked(model: Model, fields: Fields, index: int, asked: Asked, options: Predict) -> dict[str, Any]:
    """What is asked for; of a slide in memory, nothing that could be held against another."""
    name = fields.name(index)
    return asked_of(model, name, model.how(asked.input), options) if Path(name).exists() else {}


def _slide(fields: Fields, index: int, asked: Asked) -> Slide:
    name = fields.name(index)
    slide = open_slide(name, series=asked.input.get("series")) if Path(name).exists() else Slide((fields.image(index),))
    _check(slide)
    return slide


def _check(slide: Slide) -> None:
    first = slide.levels[0]
    if first.shape[0] not in (3, 4) or first.dtype != np.uint8:
        raise InputError(
            f"{slide.source} has {number_of(first.shape[0], 'channel')} of {first.dtype}; the codec takes RGB slides "
            "of 8 bits."
        )


def _written(
    model: Model, slide: Slide, fields: Fields, index: int, out: Path, asked: Asked, options: Predict
) -> Written:
    threads = at_once(asked.max_ram)
    kept = Kept.asked(options.keep_roi, fields.name(index), slide, options.keep_error)
    tissue = find_tissue(slide)
    level, notes = _level(model, slide, tissue, options)
    if options.keep_roi is not None and kept is None:
        notes.append(f"No regions are kept: {options.keep_roi} has no GeoJSON that is called as the slide.")
    coder = model.implementation.Coder(model, level)
    glass = glass_of(coder, tissue)
    inside = options.weights == "inside" or (
        options.weights == "auto" and (model.folder is None or model.folder.name not in shipped_names())
    )
    codec_facts = {"colour": glass.colour.tolist(), "latents": glass.latents.tolist()}
    sizes = _sizes(slide)
    counted: list[Counted] = []
    first = Grid(*sizes[0], coder.side)
    tiles = [] if kept is None else kept.tiles(first)
    kept_facts = None if kept is None else {"error": kept.error, "tiles": tiles}
    with atomic_folder(out, overwrite=asked.force) as temporary:
        group = _group(temporary, slide, sizes)
        pixels: np.ndarray | None = None
        for number, (height, width) in enumerate(sizes):
            grid = Grid(height, width, coder.side)
            codec = SlideCodec(
                reference(model, inside), level, (height, width), grid.side, grid.tile, codec_facts, coder.border,
                None if number else kept_facts,
            )  # fmt: skip
            _array(group, number, grid, codec)
            last = number == len(sizes) - 1
            smaller = None if last else scratch(*sizes[number + 1], temporary.parent, asked.max_ram)
            words = f"Compressing level {number + 1} of {len(sizes)}"
            counted.append(
                encode_level(
                    coder, grid, _reader(slide, pixels), tissue, temporary / str(number), smaller, words, threads
                )
            )
            pixels = smaller
        held_back = None if kept is None else keep(kept, tiles, slide, first, temporary)
        if inside:
            _keep_model(model, temporary)
        facts: dict[str, Any] = {
            "level": level,
            "ratio": options.ratio if options.level is None else None,
            "tiles": sum(one.tiles for one in counted),
            "glass_tiles": sum(one.glass for one in counted),
            "stream_bytes": sum(one.bytes for one in counted),
            "glass_bytes": sum(one.glass_bytes for one in counted),
            "magnification": slide.magnification,
            "glass": glass.colour.tolist() if tissue.glass is not None else None,
        }
        if held_back is not None:
            facts["kept"] = held_back
        facts["row"] = {name: str(column[index]) for name, column in fields.obs.items()}
        name = fields.name(index)
        given = name if Path(name).exists() else None
        wanted = _asked(model, fields, index, asked, options)
        record = prediction_record(model, given, FieldSubset(fields, [index]), asked=wanted)
        group.attrs.update({FACTS: facts})
        (temporary / PROVENANCE).write_text(json.dumps(record, indent=2), encoding="utf-8")
    raw, packed = slide.height * slide.width * 3, size_of(out)
    glass_share = facts["glass_tiles"] / max(facts["tiles"] + facts["glass_tiles"], 1)
    said = (
        f"Compressed {slide.height:,} x {slide.width:,} pixels, {number_of(len(sizes), 'level')}, to "
        f"{packed / 1e6:.3g} MB: 1:{raw / packed:.0f} in all, "
        f"{8 * facts['stream_bytes'] / (slide.height * slide.width):.3g} bits per pixel; {glass_share:.0%} of the "
        "tiles are glass"
    )
    if held_back is not None:
        said += f"; {in_words(held_back)}"
    return Written(out, said, notes=tuple(notes))


def _sizes(slide: Slide) -> list[tuple[int, int]]:
    sizes = [(slide.height, slide.width)]
    while max(sizes[-1]) > _COARSEST:
        sizes.append((ceil(sizes[-1][0] / FACTOR), ceil(sizes[-1][1] / FACTOR)))
    return sizes


def _reader(slide: Slide, pixels: np.ndarray | None) -> Any:
    if pixels is None:
        return lambda region: slide.read(region)[..., :3]
    return lambda region: pixels[region.slices]


def _level(model: Model, slide: Slide, tissue: Tissue, options: Predict) -> tuple[int, list[str]]:
    """The finest level of quality whose streams, of tiles drawn at random, are small enough."""
    new = model.implementation.Coder
    levels = new(model, 0).levels
    if options.level is not None:
        if options.level >= levels:
            raise InputError(f"The model has the levels 0 to {levels - 1}, and {options.level} is none of them.")
        return options.level, []
    coder = new(model, 0)
    side = 512
    patches = drawn_patches(slide, tissue, _TRIED, side, seed=_SEED) or [Region(0, 0, side, side)]
    latents = []
    for region in patches:
        around = coder.around
        wider = Region(region.y - around, region.x - around, side + 2 * around, side + 2 * around)
        pixels = with_border(lambda r: slide.read(r)[..., :3], wider, slide.height, slide.width)
        edge = around // coder.side
        latents.append(coder.latents(pixels)[:, edge:-edge, edge:-edge])
    allowed = _REST * 3 / options.ratio * side * side * len(latents)

    def fits(level: int) -> bool:
        own = new(model, level)
        return sum(len(own.encode(each)[0]) + 4 for each in latents) <= allowed

    low, high = 0, levels - 1
    if not fits(0):
        return 0, [
            f"Even at its lowest quality the model does not reach 1:{options.ratio:g} on this slide; it was taken."
        ]
    while low < high:
        half = (low + high + 1) // 2
        low, high = (half, high) if fits(half) else (low, half - 1)
    return low, []


def _group(folder: Path, slide: Slide, sizes: list[tuple[int, int]]) -> Any:
    import zarr

    size = slide.pixel_size or PixelSize(1.0, 1.0)
    unit = {} if slide.pixel_size is None else {"unit": "micrometer"}
    axes = [{"name": "c", "type": "channel"}, *({"name": a, "type": "space", **unit} for a in "yx")]
    datasets = []
    for number in range(len(sizes)):
        # Levels are made of means of squares, so their pixels are exactly so many times larger.
        factor = FACTOR**number
        scale = [1.0, size.y * factor, size.x * factor]
        middle = [0.0, size.y * (factor - 1) / 2, size.x * (factor - 1) / 2]
        steps: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
        if number:
            steps.append({"type": "translation", "translation": middle})
        datasets.append({"path": str(number), "coordinateTransformations": steps})
    name = bare_name(slide.source)
    colours = zip(("red", "green", "blue"), ("FF0000", "00FF00", "0000FF"), strict=True)
    channels = [
        {"label": label, "color": colour, "window": {"min": 0, "max": 255, "start": 0, "end": 255}}
        for label, colour in colours
    ]
    facts = {
        "version": "0.5",
        "multiscales": [{"name": name, "axes": axes, "datasets": datasets}],
        "omero": {"channels": channels},
    }
    return zarr.create_group(store=str(folder), zarr_format=3, attributes={"ome": facts})


def _array(group: Any, number: int, grid: Grid, codec: SlideCodec) -> None:
    group.create_array(
        str(number),
        shape=(3, grid.height, grid.width),
        chunks=(3, grid.chunk, grid.chunk),
        dtype="uint8",
        serializer=codec,
        compressors=None,
        filters=None,
        fill_value=255,
        dimension_names=["c", "y", "x"],
    )


def _keep_model(model: Model, folder: Path) -> None:
    if model.folder is None:
        model.save(folder / INSIDE)
        return
    (folder / INSIDE).mkdir()
    for name in FILES:
        if (model.folder / name).exists():
            (folder / INSIDE / name).write_bytes((model.folder / name).read_bytes())
