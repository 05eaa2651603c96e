"""The commands of an index of vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Device, Force
from coverslip.core.words import number_of

_Index = Annotated[Path, typer.Argument(help="The index, a folder whose name ends in .index.")]


def index(
    index: _Index,
    embeddings: Annotated[
        list[Path] | None,
        typer.Argument(help="What is added: .h5ad files, slide stores; with --model images."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="The distance of a new index: cosine (the default) or euclidean.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Samples that are there already are put in anew.")] = False,
    remove: Annotated[
        str | None, typer.Option(metavar="CONDITION", help="Take out what fulfils it: \"plate = 'P3'\"")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="The model that embeds images and slides.")] = None,
    patch: Annotated[
        int | None, typer.Option(help="Slides: side of the patches, pixels of the full resolution; 256.")
    ] = None,
    count: Annotated[int | None, typer.Option(help="Slides: so many patches of each, drawn at random; all.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write what is in it as an embedding (.h5ad), to report on.")
    ] = None,
    where: Annotated[str, typer.Option(metavar="CONDITION", help="With --out: of these samples alone.")] = "",
    device: Device = "auto",
    force: Annotated[
        bool, typer.Option("--force", help="Add vectors of another model all the same; replace what --out names.")
    ] = False,
) -> None:
    """Make an index of embeddings to search in, add to it, or remove from it; alone, say what is in it.

    It holds the vectors and every column of the embeddings, and is changed whole or not at all.
    """
    from coverslip.cli.tables import print_next, print_notes
    from coverslip.core import InputError
    from coverslip.io.index.store import is_index, open_index
    from coverslip.verbs.index import export_index
    from coverslip.verbs.index import index as verb

    if metric not in (None, "cosine", "euclidean"):
        raise InputError(f"There is no distance '{metric}'; there are cosine and euclidean.")
    notes: list[str] = []
    if embeddings or not is_index(index):
        how = {"metric": metric, "replaces": replace, "force": force, "model": model, "device": device}
        found = verb(index, embeddings or [], patch=patch, count=count, notes=notes, **how)  # type: ignore[arg-type]
    else:
        found = open_index(index)
    if remove is not None:
        found, count = found.remove(remove)
        typer.echo(f"Removed {count:,}.")
    typer.echo(
        f"{index}: {number_of(len(found), 'sample')} of {number_of(found.dimensions, 'dimension')}, distance "
        f"{found.metric}."
    )
    typer.echo(f"Columns: {', '.join(found.columns)}")
    print_notes(notes)
    if out is None:
        typer.echo(f"Next: coverslip search {index} QUERY --out hits.html")
        return
    written = export_index(found, out, where=where, force=force)
    typer.echo(f"{written.said}: {written.path}")
    print_next("coverslip", "report", written.path, "--umap", "--out", "map.html")


def search(
    index: _Index,
    query: Annotated[
        Path | None,
        typer.Argument(help="An .h5ad, a slide, or images (one, a folder, a sheet)."),
    ] = None,
    like: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A sample of the index to look for; may be repeated.")
    ] = None,
    top: Annotated[int, typer.Option(help="Hits for each query.")] = 10,
    where: Annotated[
        str, typer.Option(metavar="CONDITION", help="What hits fulfil: \"tissue = 'liver' and day >= 7\"")
    ] = "",
    apart: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Hits have another value here than the query: patient; may be repeated."),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="All queries are one, such as the patches of a region.")
    ] = False,
    by: Annotated[
        str, typer.Option(metavar="COLUMN", help="Hits are whole slides, patients, …: what has one value here is one.")
    ] = "",
    region: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="Of a slide this part alone, in µm; or a GeoJSON with outlines."),
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option("--out", "-o", help="A table (.csv, .parquet) or a page (.html); may be repeated."),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="The model that embeds images, if it has moved since.")] = None,
    device: Device = "auto",
    force: Force = False,
) -> None:
    """Find the samples of an index that are most like others; a query that is in it is no hit of its own."""
    from coverslip.cli.tables import print_notes, print_rows
    from coverslip.verbs.search import search_to_file

    hits, written = search_to_file(
        index,
        query,
        out or (),
        force=force,
        like=tuple(like or ()),
        top=top,
        where=where,
        apart=tuple(apart or ()),
        together=together,
        by=by,
        region=region,
        model=model,
        device=device,
    )
    if not written:
        print_rows(hits.records(50))
    for each in written:
        typer.echo(f"{each.said}: {each.path}")
        print_notes(each.notes)
