"""The folder of an index: what is in it, and how it changes.

``index.json``
    Format, distance, length of the vectors, the model that made them, and the segments. It is replaced whole at the end
    of each change, so that a change either took place or did not; files it does not name are of changes cut short.
``000001.vectors.npy``
    The vectors of one addition, float32 ``(N, D)``; they are mapped into memory, not read.
``000001.rows.parquet``
    What is known of each: ``id`` and every column of the embedding.
``000001.gone-2.npy``
    Which of them have been removed since, as of the second such change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from coverslip.core import InputError
from coverslip.core.words import number_of, word_for
from coverslip.io.atomic import atomic_path
from coverslip.io.index.conditions import Coded, rows_where
from coverslip.io.index.rows import Rows
from coverslip.io.places import held
from coverslip.io.reasons import reason
from coverslip.io.tables import write_table

ENDING = ".index"
FORMAT = 1
_MANIFEST = "index.json"
Metric = Literal["cosine", "euclidean"]


@dataclass(frozen=True)
class Segment:
    """The vectors of one addition.

    Parameters
    ----------
    folder : Path
        Of the index.
    name : str
        Its number.
    rows : int
        How many vectors it was given.
    changes : int
        How often some have been removed since.
    """

    folder: Path = field(repr=False)
    name: str
    rows: int
    changes: int = 0
    _coded: dict[str, Coded] = field(default_factory=dict, repr=False, compare=False)

    @property
    def files(self) -> dict[str, Path]:
        """Its files by what they hold."""
        found = {"vectors": f"{self.name}.vectors.npy", "table": f"{self.name}.rows.parquet"}
        if self.changes:
            found["gone"] = f"{self.name}.gone-{self.changes}.npy"
        return {what: self.folder / name for what, name in found.items()}

    @cached_property
    def vectors(self) -> np.ndarray:
        """All its vectors, ``(rows, D)`` float32, mapped into memory."""
        found = _array(self.files["vectors"], mapped=True)
        if found.ndim != 2 or len(found) != self.rows or found.dtype != np.float32:
            raise InputError(f"{self.files['vectors']} is not what {_MANIFEST} says; copy the index again.")
        return found

    @cached_property
    def lengths(self) -> np.ndarray:
        """The length of each vector, ``(rows,)``; of one of zeros the smallest number, so that it can be divided by."""
        squares = np.einsum("nd,nd->n", self.vectors, self.vectors)
        return np.sqrt(np.maximum(squares, np.finfo(np.float32).tiny))

    @cached_property
    def table(self) -> Rows:
        """All its rows, with ``id``."""
        found = Rows(self.files["table"])
        if "id" not in found or found.count != self.rows:
            raise InputError(f"{self.files['table']} is not what {_MANIFEST} says; copy the index again.")
        return found

    @cached_property
    def kept(self) -> np.ndarray:
        """Which have not been removed, bool ``(rows,)``."""
        return ~_array(self.files["gone"]) if self.changes else np.ones(self.rows, bool)

    def where(self, conditions: str, columns: Iterable[str]) -> np.ndarray:
        """Which are there and fulfil conditions, bool ``(rows,)``; of other `columns` of the index it knows nothing."""
        return self.kept & rows_where(conditions, columns, self.rows, self.coded) if conditions else self.kept

    def find(self, ids: Sequence[str]) -> np.ndarray:
        """The row of each id, ``(n,)``; -1 for one that is not there, or not any more."""
        rows = self.table.find(ids)
        return np.where(np.append(self.kept, False)[rows], rows, -1)

    def told_apart(self, column: str, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """A number for what each row has in a column, and the one of each text; of a text that none has, -2."""
        if column == "id":  # no two have the same
            rows = self.find(texts)
            return np.arange(self.rows), np.where(rows < 0, -2, rows)
        coded = self.coded(column)
        return coded.codes, coded.numbers(texts)

    def coded(self, column: str) -> Coded:
        """A column of its table ready to be compared, worked out once; one that it has not is empty."""
        if column not in self._coded:
            found = self.table.get(column)
            self._coded[column] = Coded.of(np.full(self.rows, None, object) if found is None else found)
        return self._coded[column]


@dataclass(frozen=True)
class Index:
    """An index of vectors.

    Parameters
    ----------
    folder : Path
        Where it lies.
    metric : {"cosine", "euclidean"}
        The distance.
    dimensions : int
        Length of a vector.
    model : mapping
        The model that made the vectors, as the provenance of an embedding describes it; empty where not known.
    segments : tuple of Segment
        What was added, in order.
    """

    folder: Path
    metric: Metric
    dimensions: int
    model: Mapping[str, Any] = field(default_factory=dict, repr=False)
    segments: tuple[Segment, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return sum(int(segment.kept.sum()) for segment in self.segments)

    @property
    def columns(self) -> list[str]:
        """The columns that any of its rows has."""
        return list(dict.fromkeys(name for segment in self.segments for name in segment.table))

    def add(self, vectors: np.ndarray, rows: Mapping[str, np.ndarray], *, replaces: bool = False) -> Index:
        """Add vectors.

        Parameters
        ----------
        vectors : ndarray, shape (N, D)
            They are kept as float32.
        rows : mapping of str to ndarray, shape (N,)
            What is known of each; ``id`` tells it from all others.
        replaces : bool
            Whether a vector takes the place of one with the same id.

        Returns
        -------
        Index
            As it is now.

        Raises
        ------
        InputError
            If they do not fit the index, an id stands twice, or one is there already and nothing says to replace it.
            The index stays as it is.
        """
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        if vectors.ndim != 2 or vectors.shape[1] != self.dimensions:
            raise InputError(
                f"Vectors of {self.folder} have {self.dimensions} numbers each, these {vectors.shape[-1]}; an index "
                "holds vectors of one model."
            )
        if not np.isfinite(vectors).all():
            raise InputError("A vector holds values that are no finite numbers; leave it out, or embed again.")
        ids = [str(one) for one in rows["id"]]
        if len(set(ids)) < len(ids):
            twice = next(one for one in ids if ids.count(one) > 1)
            raise InputError(f"Two of the samples are called '{twice}'; add each once.")
        with held(self.folder):
            now = open_index(self.folder)
            now._swept()
            segments, there = now._without(set(ids))
            if there and not replaces:
                raise InputError(
                    f"{there} of {number_of(len(ids), 'sample')} {word_for(there, 'is', 'are')} in {self.folder} "
                    "already; say --replace to put them in anew."
                )
            number = max([int(segment.name) for segment in segments], default=0) + 1
            new = Segment(self.folder, f"{number:06d}", len(ids))
            with atomic_path(new.files["vectors"]) as temporary, open(temporary, "wb") as file:
                np.save(file, vectors)
            write_table({**rows, "id": np.array(ids, object)}, new.files["table"])
            return replace(now, segments=(*segments, new))._committed()

    def remove(self, conditions: str) -> tuple[Index, int]:
        """Remove what fulfils conditions (`rows_where`); the index as it is now, and how many there were."""
        with held(self.folder):
            now = open_index(self.folder)
            found = [segment.where(conditions, now.columns) for segment in now.segments]
            segments = [_fewer(segment, gone) for segment, gone in zip(now.segments, found, strict=True)]
            return replace(now, segments=tuple(segments))._committed(), sum(int(gone.sum()) for gone in found)

    def find(self, ids: list[str]) -> np.ndarray:
        """The vectors with some ids, in their order, ``(n, D)``.

        Raises
        ------
        InputError
            If one is not there.
        """
        return np.stack([segment.vectors[row] for segment, row in self.places(ids)])

    def places(self, ids: Sequence[str]) -> list[tuple[Segment, int]]:
        """Segment and row of some ids; raises as `find`."""
        found: list[tuple[Segment, int] | None] = [None] * len(ids)
        for segment in self.segments:
            for i, row in enumerate(segment.find(ids).tolist()):
                found[i] = (segment, row) if row >= 0 else found[i]
        missing = [one for one, place in zip(ids, found, strict=True) if place is None]
        if missing:
            raise InputError(
                f"There is no '{missing[0]}' in {self.folder}; the column 'id' of a search has such names."
            )
        return [place for place in found if place is not None]

    def _without(self, ids: set[str]) -> tuple[tuple[Segment, ...], int]:
        """The segments less what has one of these ids, and how many had."""
        wanted = sorted(ids)
        found = [np.isin(np.arange(segment.rows), segment.find(wanted)) for segment in self.segments]
        segments = [_fewer(segment, gone) for segment, gone in zip(self.segments, found, strict=True)]
        return tuple(segments), sum(int(gone.sum()) for gone in found)

    def _swept(self) -> None:
        """Remove what changes that were cut short have left; what is kept stands in the manifest."""
        named = {file.name for segment in self.segments for file in segment.files.values()} | {_MANIFEST}
        for stray in self.folder.iterdir():
            if stray.name not in named and stray.is_file():
                stray.unlink()

    def _committed(self) -> Index:
        manifest = {
            "format": FORMAT,
            "kind": "index",
            "metric": self.metric,
            "dimensions": self.dimensions,
            "model": dict(self.model),
            "segments": [{"name": s.name, "rows": s.rows, "changes": s.changes} for s in self.segments],
        }
        with atomic_path(self.folder / _MANIFEST) as temporary:
            temporary.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        return self


def create_index(
    folder: str | Path, dimensions: int, *, metric: Metric = "cosine", model: Mapping[str, Any] | None = None
) -> Index:
    """A new, empty index.

    Parameters
    ----------
    folder : str or Path
        Where; it ends in ``.index``.
    dimensions : int
        Length of a vector.
    metric : {"cosine", "euclidean"}
        The distance.
    model : mapping, optional
        The model that makes the vectors, as the provenance of an embedding describes it.

    Raises
    ------
    InputError
        If something is there, or the ending is another.
    """
    folder = Path(folder)
    if folder.suffix != ENDING:
        raise InputError(f"{folder} should end in {ENDING}, because it is a folder that only Coverslip changes.")
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise InputError(f"{folder} is there already and holds no index; choose another name.")
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder):
        return Index(folder, metric, dimensions, model or {})._committed()


def is_index(path: str | Path) -> bool:
    """Whether there is an index at a path."""
    return (Path(path) / _MANIFEST).is_file()


def open_index(folder: str | Path) -> Index:
    """Open an index; vectors and tables are read when they are needed.

    Raises
    ------
    InputError
        If there is none, or it is damaged or of a newer Coverslip.
    """
    folder = Path(folder)
    if not is_index(folder):
        raise InputError(f"{folder} is no index; make one with coverslip index {folder.stem}{ENDING} cells.h5ad.")
    try:
        said = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        newer = said["format"] > FORMAT
        segments = tuple(Segment(folder, str(s["name"]), int(s["rows"]), int(s["changes"])) for s in said["segments"])
        found = Index(folder, said["metric"], int(said["dimensions"]), dict(said["model"]), segments)
        if found.metric not in ("cosine", "euclidean") or not all(s.name.isdecimal() for s in segments):
            raise ValueError(found.metric)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder / _MANIFEST} is damaged ({reason(error)}); copy the index again.") from error
    if newer:
        raise InputError(f"{folder} is of a newer Coverslip; update with pip install -U coverslip.")
    for segment in segments:
        for file in segment.files.values():
            if not file.is_file():
                raise InputError(f"{folder} lacks {file.name}; copy the index again.")
    return found


def _fewer(segment: Segment, gone: np.ndarray) -> Segment:
    """A segment without some of its rows; its files stay, but for a new list of what is gone."""
    if not gone.any():
        return segment
    new = Segment(segment.folder, segment.name, segment.rows, segment.changes + 1)
    with atomic_path(new.files["gone"]) as temporary, open(temporary, "wb") as file:
        np.save(file, ~segment.kept | gone)
    return new


def _array(file: Path, mapped: bool = False) -> np.ndarray:
    try:
        return np.asarray(np.load(file, mmap_mode="r" if mapped else None, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file} is damaged ({reason(error)}); copy the index again.") from error
