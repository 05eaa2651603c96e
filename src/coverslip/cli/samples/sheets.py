"""The commands that make, check, divide and preview sample sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Force, Out, PixelSize, read_settings
from coverslip.cli.tables import in_words
from coverslip.core.words import number_of


def make(
    folder: Annotated[Path, typer.Argument(help="Folder of images, or a plate (.zarr).")],
    out: Out,
    pattern: Annotated[
        str | None, typer.Option(help="File-name pattern: {well}_s{site:d}.tif, or a regular expression with groups.")
    ] = None,
    axes: Annotated[
        str | None, typer.Option(help="Axes of the images, such as ZYX, where the files don't say (column 'axes').")
    ] = None,
    frames: Annotated[
        str | None, typer.Option(help="A row for each frame of a movie: all, or every=5 for every fifth.")
    ] = None,
    pixel_size: PixelSize = None,
    force: Force = False,
) -> None:
    """Make a sheet from a folder of images.

    Parts of the file names become columns. A file that holds several images has a row for each.
    """
    from coverslip.cli.tables import print_next, print_notes
    from coverslip.io.atomic import refuse_existing
    from coverslip.samples import make_sheet, write_sheet

    refuse_existing(out, force)
    sheet = make_sheet(folder, pattern, axes=axes, frames=frames).with_pixel_size(pixel_size)
    write_sheet(sheet, out)
    print_notes(sheet.notes)
    typer.echo(f"{number_of(len(sheet), 'row')} with the columns {', '.join(sheet.columns)}: {out}")
    print_next("coverslip", "samples", "check", out)


def fetch(
    name: Annotated[str, typer.Argument(help="Which pictures; without a name they are listed.")] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The folder; default: the name.")] = None,
    force: Force = False,
) -> None:
    """Write sample pictures to try things on, with their licence.

    Some come with installed packages, some are drawn, some are downloaded by scikit-image on first use.
    """
    from coverslip.samples import EXAMPLES
    from coverslip.samples import fetch as fetched

    if not name:
        for each, example in EXAMPLES.items():
            typer.echo(f"{each:<9} {example.sentence}{' Downloaded.' if example.online else ''}")
            typer.echo(f"{'':<9} {example.licence}; {example.source}.")
        typer.echo(f"Next: coverslip samples fetch {next(iter(EXAMPLES))}")
        return
    place = out or Path(name)
    sheet = fetched(name, place, force=force)
    example = EXAMPLES[name]
    typer.echo(f"{example.sentence}\nLicence: {example.licence}; {example.source}.")
    typer.echo(f"{number_of(len(sheet), 'image')}: {place}")
    words = example.next.split()
    from coverslip.cli.tables import print_next

    print_next(*(str(place) if word == "{out}" else word for word in words))


def annotated(
    source: Annotated[Path, typer.Argument(help="A folder of images with files of marks, or a COCO JSON.")],
    out: Out,
    force: Force = False,
) -> None:
    """Make a sheet of images whose objects are marked.

    Marks are Pascal VOC, COCO, GeoJSON of QuPath, or tables of boxes or points, beside the images or in a folder
    'annotations'. Lists train.txt, val.txt and test.txt become the column 'split'.
    """
    from coverslip.cli.tables import print_next, print_notes
    from coverslip.io.atomic import refuse_existing
    from coverslip.samples import annotated_sheet, write_sheet

    refuse_existing(out, force)
    sheet = annotated_sheet(source)
    write_sheet(sheet, out)
    print_notes(sheet.notes)
    typer.echo(f"{number_of(len(sheet), 'row')} with the columns {', '.join(sheet.columns)}: {out}")
    print_next("coverslip", "fit", "section", out)


def unpack(
    file: Annotated[Path, typer.Argument(help="A .mat, .npz, .npy or IDX file that holds many images.")],
    out: Out,
    force: Force = False,
) -> None:
    """Write the images of a file of arrays as a stack and a sheet.

    A column of labels is taken along where the file has one.
    """
    from coverslip import samples
    from coverslip.cli.tables import print_next

    sheet = samples.unpack(file, out, overwrite=force)
    typer.echo(f"{number_of(len(sheet), 'image')} with the columns {', '.join(sheet.columns)}: {out}")
    print_next("coverslip", "samples", "check", out)


def check(
    sheet: Annotated[Path, typer.Argument(help="A sample sheet, a folder of images, or one image.")],
    deep: Annotated[bool, typer.Option("--deep/--quick", help="Read the pixels too, or only the headers.")] = True,
) -> None:
    """Look for everything that would spoil a fit.

    The exit code is 2 if there is something to mend.
    """
    from coverslip.samples import check_sheet

    report = check_sheet(sheet, deep=deep)
    for key, value in report.summary.items():
        typer.echo(f"{key}: {in_words(value)}")
    for line in report.lines():
        typer.echo(line, err=True)
    if not report.ok:
        raise typer.Exit(2)
    typer.echo("Nothing to mend." if not report.warnings else "Nothing that must be mended.")


def split(
    sheet: Annotated[Path, typer.Argument(help="A sample sheet or a folder of images.")],
    out: Out,
    fractions: Annotated[str, typer.Option(help="Shares of train, val and test.")] = "0.7,0.15,0.15",
    by: Annotated[
        str, typer.Option(help="Column whose groups stay together; without a column group: plate or source_image.")
    ] = "group",
    seed: Annotated[int, typer.Option(help="Decides the parts.")] = 0,
    force: Force = False,
) -> None:
    """Divide a sheet into train, val and test.

    Fills the column 'split': whole groups, classes in proportion.
    """
    from coverslip.core.errors import InputError
    from coverslip.io.atomic import refuse_existing
    from coverslip.samples import read_sheet, split_sheet, write_sheet
    from coverslip.samples.sheets.splits import groups_of_sheet

    refuse_existing(out, force)
    try:
        train, val, test = [float(part) for part in fractions.split(",")]
    except ValueError:
        raise InputError(f"'{fractions}' is not three numbers; write 0.7,0.15,0.15.") from None
    before = read_sheet(sheet)
    divided = split_sheet(before, (train, val, test), by=by, seed=seed)
    write_sheet(divided, out)
    words = divided.column("split")
    typer.echo(", ".join(f"{words.count(word)} {word}" for word in ("train", "val", "test")) + f": {out}")
    kept = groups_of_sheet(before) if by == "group" else by
    if kept not in (None, by):
        typer.echo(f"Whole groups of the column '{kept}' stay together.")
    if before.has("split"):
        typer.echo(f"Note: The column 'split' of {sheet} is divided anew in {out}.")


def preview(
    sheet: Annotated[Path, typer.Argument(help="A sample sheet or a folder of images.")],
    out: Out = Path("views.png"),
    recipe: Annotated[
        str,
        typer.Option(help="microscopy, strong, sweet, resize, sweet_no_contrast or resize_no_contrast."),
    ] = "microscopy",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one step, such as crop=0.3; may be repeated."),
    ] = None,
    normalise: Annotated[str, typer.Option(help="How grey values come to [0, 1]: percentile or dtype.")] = "percentile",
    channels: Annotated[str | None, typer.Option(help="Channels to use, by name or number: 0,2")] = None,
    count: Annotated[int, typer.Option(help="How many images are shown.")] = 8,
    seed: Annotated[int, typer.Option(help="The same seed gives the same views.")] = 0,
    force: Force = False,
) -> None:
    """Show what a recipe for SimCLR makes of the images.

    Draws images beside their views, and prints what becomes of the grey values.
    """
    from coverslip.cli.options import read_channels
    from coverslip.cli.tables import print_next, print_notes, print_rows
    from coverslip.figures import save_figure, traversals
    from coverslip.figures.thumbnails import fit_display
    from coverslip.io.atomic import refuse_existing
    from coverslip.samples import Recipe, open_samples
    from coverslip.samples import preview as views_of

    chosen = Recipe.parse({"name": recipe, **read_settings(None, settings)})
    refuse_existing(out, force)
    samples = open_samples(sheet, channels=read_channels(channels))
    found = views_of(samples, chosen, images=count, normalise=normalise, seed=seed)  # type: ignore[arg-type]
    names = [str(samples.obs["image"][row]) for row in found.rows]
    columns = ["original", *(f"view {i + 1}" for i in range(found.views.shape[1]))]
    # Black is 0 and full brightness 1, so that what is cut off is seen to be.
    display = fit_display(found.originals, samples.channels, percentiles=(0, 100))
    save_figure(traversals(found.grid, columns, names=[Path(name).name for name in names], display=display), out)
    print_rows(found.grey)
    typer.echo(f"{number_of(len(found.rows), 'image')} and {number_of(found.views.shape[1], 'view')} of each: {out}")
    print_notes(found.warnings)
    asked = [f"recipe.name={recipe}", *(f"recipe.{each}" for each in settings)] if settings else [f"recipe={recipe}"]
    asked += [f"normalise={normalise}"] if normalise != "percentile" else []
    words = [part for each in asked for part in ("--set", each)] + (["--channels", channels] if channels else [])
    print_next("coverslip", "fit", "simclr", sheet, *words, "--out", "model")
