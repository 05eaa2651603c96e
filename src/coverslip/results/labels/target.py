"""Where labels go, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from coverslip.core import InputError
from coverslip.io.atomic import refuse_existing
from coverslip.io.labels import labels_path
from coverslip.io.writing.zarr_groups import Version
from coverslip.samples.sheets.masks import refuse_other_things
from coverslip.samples.sheets.sheet import holds_one_image
from coverslip.work.unfinished import work_beside


@dataclass(frozen=True)
class Target:
    """A place for labels.

    Parameters
    ----------
    kind : {"file", "zarr", "folder"}
        A label image with tables beside it, image and labels together as OME-Zarr, or a folder of label images.
    path : Path
        The file or folder.
    version : {"0.5", "0.4"}
        Of OME-Zarr, where it is that.
    """

    kind: Literal["file", "zarr", "folder"]
    path: Path
    version: Version = "0.5"

    @classmethod
    def of(cls, inputs: str | Path, out: str | Path | None, **which: Any) -> Target:
        """From what the user gave.

        Parameters
        ----------
        inputs : str or Path
            One image, a folder or a sheet.
        out : str or Path, optional
            Default: ``<image>.labels.tif`` or ``<name>-labels`` in the current folder.
        **which
            ``series`` and ``frames``, as for `coverslip.samples.read_sheet`.

        Raises
        ------
        InputError
            If several images are to go into one file, or the ending is of something else.
        """
        one, source = holds_one_image(inputs, **which), Path(inputs).resolve()
        if out is None:
            name = source.name if source.is_dir() else source.stem
            return cls("file", labels_path(Path(source.name))) if one else cls("folder", Path(f"{name}-labels"))
        out = Path(out)
        if out.resolve() == source:
            raise InputError(f"{out} is what is to be segmented, so it is not replaced; choose another --out.")
        suffix = out.suffix.lower()
        if suffix in (".h5ad", ".csv", ".parquet", ".png", ".npy"):
            raise InputError(
                f"'{out}' is no place for labels: they go into a folder, and those of one image into a .labels.tif or "
                "a .zarr too."
            )
        if suffix not in (".tif", ".tiff", ".zarr"):
            return cls("folder", out)
        if not one:
            raise InputError(
                f"{inputs} may hold several images, but '{out}' holds the labels of one: name a folder, such as "
                f"{out.name.split('.')[0]}-labels."
            )
        return cls("zarr", out) if suffix == ".zarr" else cls("file", labels_path(out.with_suffix(".tif")))

    @property
    def work(self) -> Path:
        """The folder beside it that holds the work until it is done."""
        return work_beside(self.path)

    @property
    def stem(self) -> str:
        """What the files beside a single label image are called, before their endings."""
        return labels_path(self.path).name.removesuffix(".labels.tif")

    def check(self, resume: bool, force: bool) -> bool:
        """Refuse a place that is taken or cannot be written, before any work is done.

        Returns
        -------
        bool
            Whether the result is there already, whole, and `resume` asked for no more.

        Raises
        ------
        InputError
            If there is a result or an unfinished one and nothing says what to do with it, or something else is there.
        """
        if resume and self.path.exists() and not self.work.exists():
            return True
        # An unfinished one beside a result is to replace it: it was begun with --force, or killed while tidying up.
        refuse_existing(self.path, force or (resume and self.work.exists()))
        if self.kind == "folder":
            if self.path.is_file():
                raise InputError(f"{self.path} is a file, but the labels go into a folder; choose another --out.")
            refuse_other_things(self.path)
        elif self.kind == "file" and self.path.is_dir():
            raise InputError(f"{self.path} is a folder, but the labels go into a file; choose another --out.")
        if self.work.exists() and not resume and not force:
            raise InputError(
                f"{self.work} holds an unfinished prediction: say --resume to go on, or --force to start over."
            )
        return False
