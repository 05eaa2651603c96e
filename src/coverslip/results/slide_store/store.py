"""A slide store, opened: its levels as lazy images, what it says of itself, and what is damaged in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zlib import crc32

from coverslip.core import InputError
from coverslip.io.images.slides import Slide, open_slide
from coverslip.io.tags import provenance_of
from coverslip.results.slide_store import codec
from coverslip.results.slide_store.container import Damaged, unpacked
from coverslip.results.slide_store.grid import TILES, Grid
from coverslip.results.slide_store.originals import check_pixels, file_of

FACTS = "coverslip"
"""Where the attributes of the store hold what Coverslip says of it."""


@dataclass(frozen=True)
class SlideStore:
    """A compressed slide.

    Parameters
    ----------
    path : Path
    slide : Slide
        Its levels; a window is decoded when it is read.
    facts : mapping
        ``level`` of quality, ``ratio`` asked for, ``tiles``, ``glass_tiles``, ``stream_bytes``, ``magnification``;
        ``kept`` (``error``, ``tiles``, ``pixels``, ``bytes``), where regions are.
    provenance : mapping
    """

    path: Path
    slide: Slide
    facts: Mapping[str, Any] = field(repr=False)
    provenance: Mapping[str, Any] = field(repr=False)

    @property
    def bytes(self) -> int:
        """All bytes of the store."""
        return size_of(self.path)

    def damage(self) -> Iterator[str]:
        """What is missing or damaged, a few words each; nothing is decoded."""
        for number in range(len(self.slide.levels)):
            grid = self.grid(number)
            for row in range(grid.chunks[0]):
                for column in range(grid.chunks[1]):
                    name = f"{number}/c/0/{row}/{column}"
                    try:
                        streams = unpacked((self.path / name).read_bytes(), TILES * TILES)
                    except FileNotFoundError:
                        yield f"the chunk {name} is missing"
                        continue
                    except (Damaged, OSError) as error:
                        yield f"the chunk {name} is damaged ({error})"
                        continue
                    for index, stream in enumerate(streams):
                        if stream and crc32(stream[4:]).to_bytes(4, "little") != stream[:4]:
                            y = (row * TILES + index // TILES) * grid.tile
                            x = (column * TILES + index % TILES) * grid.tile
                            yield f"level {number}: the tile from row {y}, column {x} is damaged"
        for row, column in (self.codec.kept or {}).get("tiles", ()):
            name = f"0/{file_of((row, column))}"
            try:
                check_pixels((self.path / name).read_bytes())
            except FileNotFoundError:
                yield f"what is kept in {name} is missing"
            except (Damaged, OSError) as error:
                yield f"what is kept in {name} is damaged ({error})"

    def grid(self, level: int) -> Grid:
        """How a level is divided."""
        found = self.codec
        image = self.slide.levels[level]
        return Grid(image.height, image.width, found.side, found.tile)

    @cached_property
    def codec(self) -> Any:
        """What decodes it, as the metadata of its first level say."""
        import zarr

        return zarr.open_array(str(self.path), path="0", mode="r").metadata.codecs[0]


def open_store(path: str | Path) -> SlideStore:
    """Open a slide store; no pixels are decoded.

    Parameters
    ----------
    path : str or Path
        The folder, ``.cslip.zarr``.

    Returns
    -------
    SlideStore

    Raises
    ------
    InputError
        If it is none, or its metadata are damaged.
    """
    import zarr

    register()
    path = Path(path)
    if not path.is_dir():
        raise InputError(f"{path} is no folder of a slide store; these end in .cslip.zarr.")
    slide = open_slide(path)
    attributes = dict(zarr.open_group(str(path), mode="r").attrs)
    facts = attributes.get(FACTS)
    if not isinstance(facts, Mapping):
        raise InputError(f"{path} is no slide store, or lost what was noted in it; copy it again from its source.")
    return SlideStore(path, slide, facts, provenance_of(path))


def register() -> None:
    """Tell Zarr of the codec, also where Coverslip was not installed but is run from its source."""
    from zarr.registry import register_codec

    register_codec(codec.NAME, codec.SlideCodec)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
