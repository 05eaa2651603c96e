"""`coverslip samples`: make, check, divide, crop and preview sample sheets, and make labels and phantoms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli import spheroids
from coverslip.cli.options import Force, Out, PixelSize, read_settings

samples_app = typer.Typer(
    help="Make, check, divide and crop sample sheets.", no_args_is_help=True, rich_markup_mode=None
)


@samples_app.command(
    epilog="Example: coverslip samples make plate/ --pattern '{well}_s{site:d}.tif' --out plate/sheet.csv"
)
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
    typer.echo(f"{len(sheet)} rows with the columns {', '.join(sheet.columns)}: {out}")
    print_next("coverslip", "samples", "check", out)


@samples_app.command(epilog="Example: coverslip samples fetch nuclei --out fields")
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
    typer.echo(f"{len(sheet)} image{'s' * (len(sheet) != 1)}: {place}")
    words = example.next.split()
    from coverslip.cli.tables import print_next

    print_next(*(str(place) if word == "{out}" else word for word in words))


@samples_app.command(epilog="Example: coverslip samples annotated smears/ --out smears/sheet.csv")
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
    typer.echo(f"{len(sheet)} rows with the columns {', '.join(sheet.columns)}: {out}")
    print_next("coverslip", "fit", "section", out)


@samples_app.command(
    epilog="Example: coverslip samples phantom-sections --out sections --set size=4096 --set laboratories=3"
)
def phantom_sections(
    out: Out,
    config: Annotated[Path | None, typer.Option(help="Settings from a YAML or JSON file.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as sections=8.")
    ] = None,
    force: Force = False,
) -> None:
    """Draw sections of mouse testis whose cells, stages and markers are known.

    Writes images, annotations of cells and of tubules, sheets to fit to, and a table of the truth.
    """
    from coverslip.cli.tables import print_next
    from coverslip.io.atomic import refuse_existing
    from coverslip.samples import SectionSettings
    from coverslip.samples import phantom_sections as drawn

    chosen = SectionSettings.parse(read_settings(config, settings))
    refuse_existing(out, force)
    drawn(out, chosen, overwrite=force)
    typer.echo(f"{chosen.sections} sections of {chosen.size} x {chosen.size} pixels: {out}")
    print_next("coverslip", "fit", "section", out / "cells.csv", "--channels", "DAPI")


@samples_app.command(epilog="Example: coverslip samples unpack usps_all.mat --out digits")
def unpack(
    file: Annotated[Path, typer.Argument(help="A .mat, .npz or IDX file that holds many images.")],
    out: Out,
    force: Force = False,
) -> None:
    """Write the images of a file of arrays as a stack and a sheet.

    A column of labels is taken along where the file has one.
    """
    from coverslip import samples
    from coverslip.cli.tables import print_next

    sheet = samples.unpack(file, out, overwrite=force)
    typer.echo(f"{len(sheet)} images with the columns {', '.join(sheet.columns)}: {out}")
    print_next("coverslip", "samples", "check", out)


@samples_app.command(epilog="Example: coverslip samples check cells.csv")
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
        typer.echo(f"{key}: {_words(value)}")
    for line in report.lines():
        typer.echo(line, err=True)
    if not report.ok:
        raise typer.Exit(2)
    typer.echo("Nothing to mend." if not report.warnings else "Nothing that must be mended.")


@samples_app.command(epilog="Example: coverslip samples split cells.csv --by patient --out cells-split.csv")
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
        train, val, test = _numbers(fractions)
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


@samples_app.command(epilog="Example: coverslip samples crop fields.csv --size 64 --out crops")
def crop(
    sheet: Annotated[Path, typer.Argument(help="A sample sheet with a column 'mask'.")],
    out: Out,
    size: Annotated[str, typer.Option(help="Height x width of the crops: 64, 64x48.")] = "64",
    unit: Annotated[str, typer.Option(help="px or um.")] = "px",
    neighbours: Annotated[str, typer.Option(help="keep, or mask (blank out what is not the object).")] = "keep",
    border: Annotated[str, typer.Option(help="At the image border: pad, drop or shift.")] = "pad",
    min_area: Annotated[float, typer.Option(help="Leave out smaller objects, pixels.")] = 0,
    max_area: Annotated[float, typer.Option(help="Leave out larger objects, pixels.")] = float("inf"),
    planes: Annotated[str, typer.Option(help="Focal planes: channels, max, sharpest, or a number.")] = "channels",
    pixel_size: PixelSize = None,
    force: Force = False,
) -> None:
    """Crop every labelled object of some fields.

    Writes one stack per field, and a sheet with one row per object.
    """
    from coverslip.cli.cards import parse_size
    from coverslip.cli.tables import print_next, print_notes
    from coverslip.samples import crop_sheet, read_sheet

    crops = crop_sheet(
        read_sheet(sheet).with_pixel_size(pixel_size),
        out,
        parse_size(size),
        unit=unit,  # type: ignore[arg-type]
        neighbours=neighbours,  # type: ignore[arg-type]
        border=border,  # type: ignore[arg-type]
        min_area=min_area,
        max_area=max_area,
        planes=planes,
        overwrite=force,
    )
    typer.echo(f"{len(crops)} crops of {size} {unit}: {crops.path}")
    print_notes(crops.notes)
    print_next("coverslip", "fit", "vae", out, "--out", "model")


@samples_app.command(epilog="Example: coverslip samples patches slides/ --size 256 --count 200 --out patches")
def patches(
    slides: Annotated[Path, typer.Argument(help="A slide, a folder of slides, or a sheet of them.")],
    out: Out,
    count: Annotated[int, typer.Option(help="Patches of each slide, at most.")] = 200,
    size: Annotated[int, typer.Option(help="Height and width of a patch, pixels of the full resolution.")] = 256,
    tissue: Annotated[float, typer.Option(help="Share of a patch that is tissue, at least.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Decides which patches are drawn.")] = 0,
    force: Force = False,
) -> None:
    """Draw patches of tissue from slides at random, none over another.

    Writes a file for each, and a sheet with its place in the slide.
    """
    from coverslip.cli.tables import print_notes
    from coverslip.samples import patch_sheet, read_sheet

    drawn = patch_sheet(read_sheet(slides), out, count=count, size=size, least=tissue, seed=seed, overwrite=force)
    print_notes(drawn.notes)
    typer.echo(f"{len(drawn)} patches of {size} x {size} pixels: {drawn.path}")


@samples_app.command(epilog="Example: coverslip samples tile fields.csv --grid 4x4 --out tiles")
def tile(
    sheet: Annotated[Path, typer.Argument(help="A sample sheet or a folder of images.")],
    out: Out,
    grid: Annotated[str, typer.Option(help="Rows x columns of tiles for each field.")] = "4x4",
    val: Annotated[
        float, typer.Option(help="Share of the columns, from the right, held out as 'val'; 0: no column 'split'.")
    ] = 0.25,
    gap: Annotated[int, typer.Option(help="Pixels between what trains and what is held out.")] = 32,
    force: Force = False,
) -> None:
    """Cut few large fields into many small ones.

    Writes image, mask and paired image of each tile, and a sheet whose column 'split' holds out one block of each
    field. A sheet that has the column already keeps it.
    """
    from coverslip.cli.cards import parse_size
    from coverslip.cli.tables import print_notes
    from coverslip.samples import read_sheet, tile_sheet

    tiles = tile_sheet(read_sheet(sheet), out, parse_size(grid), val=val, gap=gap, overwrite=force)
    words = tiles.column("split") if tiles.has("split") else []
    parts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    typer.echo(f"{len(tiles)} tiles{f' ({parts})' if parts else ''}: {tiles.path}")
    print_notes(tiles.notes)


@samples_app.command(epilog="Example: coverslip samples resize crops/ --to 80x80 --out crops-80")
def resize(
    sheet: Annotated[Path, typer.Argument(help="A sample sheet or a folder of images.")],
    out: Out,
    to: Annotated[str, typer.Option(help="Height x width afterwards, pixels: 80x80, or 80 for a square.")],
    aspect: Annotated[
        str,
        typer.Option(help="Images of other proportions: same (refuse them), pad (add background) or stretch."),
    ] = "same",
    pixel_size: PixelSize = None,
    force: Force = False,
) -> None:
    """Bring images to another size.

    Antialiased where they shrink; masks keep their numbers. Writes images, masks and paired images in their own type,
    and a sheet with all columns, whose images say how large their pixels are now.
    """
    from coverslip.cli.cards import parse_size
    from coverslip.cli.tables import print_next, print_notes
    from coverslip.samples import read_sheet, resize_sheet

    made = resize_sheet(
        read_sheet(sheet).with_pixel_size(pixel_size),
        out,
        parse_size(to),
        aspect=aspect,  # type: ignore[arg-type]
        overwrite=force,
    )
    typer.echo(f"{len(made)} image{'s' * (len(made) != 1)} of {'x'.join(map(str, parse_size(to)))} pixels: {made.path}")
    print_notes(made.notes)
    print_next("coverslip", "samples", "check", out)


@samples_app.command(
    epilog="Example: coverslip samples phantom fields.csv --split val --overlap 0,0.2,0.4,0.6 --out phantoms"
)
def phantom(
    sheet: Annotated[Path, typer.Argument(help="A sample sheet of fluorescence images with a column 'mask'.")],
    out: Out,
    overlap: Annotated[
        str, typer.Option(help="Shares of the smaller object that the other covers; phantoms have these in turn.")
    ] = "0,0.2,0.4,0.6",
    count: Annotated[
        int | None, typer.Option(help="Number of phantoms; default: one for each field, and for each overlap at least.")
    ] = None,
    pairs: Annotated[int, typer.Option(help="Pairs of objects in each phantom.")] = 20,
    singles: Annotated[int, typer.Option(help="Further objects in each, alone.")] = 0,
    size: Annotated[str | None, typer.Option(help="Height x width: 512x640; default: those of the fields.")] = None,
    channel: Annotated[str, typer.Option(help="Channel to take, by name or number from 0.")] = "0",
    min_area: Annotated[float, typer.Option(help="Leave out smaller objects, pixels.")] = 100,
    split: Annotated[str | None, typer.Option(help="Take fields of this part only: train, val or test.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same phantoms.")] = 0,
    force: Force = False,
) -> None:
    """Make images whose overlaps and whole masks are known.

    Real objects that nothing disturbs are cut out and added onto real background in pairs. Writes each image with
    flat labels and layers of whole masks, a sheet, and a table of all objects.
    """
    from coverslip.cli.cards import parse_size
    from coverslip.cli.tables import print_next
    from coverslip.core.errors import InputError
    from coverslip.io.atomic import refuse_existing
    from coverslip.samples import phantom_sheet, read_sheet

    refuse_existing(out, force)
    try:
        levels = _numbers(overlap)
    except ValueError:
        raise InputError(f"'{overlap}' is not a list of shares; write 0,0.2,0.4,0.6.") from None
    made = phantom_sheet(
        read_sheet(sheet),
        out,
        count=count,
        overlap=levels,
        pairs=pairs,
        singles=singles,
        size=None if size is None else parse_size(size),
        channel=channel,
        min_area=min_area,
        split=split,
        seed=seed,
        overwrite=force,
    )
    objects = sum(int(text) for text in made.column("objects"))
    typer.echo(f"{len(made)} phantom{'s' * (len(made) != 1)} with {objects:,} objects: {out}")
    print_next("coverslip", "predict", "nuclei-fluo-kaizen", out)


@samples_app.command(epilog="Example: coverslip samples label-from-stain fields.csv --stain DAPI --out labelled")
def label_from_stain(
    source: Annotated[Path, typer.Argument(help="A sample sheet, a folder of images, or one image.")],
    out: Out,
    stain: Annotated[
        str | None,
        typer.Option(help="The channel that holds the stain, by name or number; beside one image also a file."),
    ] = None,
    stain_column: Annotated[
        str | None,
        typer.Option(help="Column that names the stain's images; default: source, where the sheet has it."),
    ] = None,
    planes: Annotated[str, typer.Option(help="Focal planes of the stain: max, sharpest, or a number.")] = "max",
    config: Annotated[Path | None, typer.Option(help="Settings from a YAML or JSON file.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as threshold=otsu; may be repeated."),
    ] = None,
    force: Force = False,
) -> None:
    """Make nuclei labels from a registered stain.

    Writes label images, a sheet to train on, facts and flags of each image, and a page to check them.
    """
    from coverslip.cli.tables import print_next, print_notes
    from coverslip.core import own_name
    from coverslip.io.atomic import refuse_existing
    from coverslip.results.labels.stain_page import PAGE, write_stain_page
    from coverslip.samples import StainSettings
    from coverslip.samples import label_from_stain as label

    chosen = StainSettings.parse(read_settings(config, settings))
    refuse_existing(out, force)
    sheet = label(
        source,
        out,
        chosen,
        stain=stain,
        stain_column=stain_column,
        planes=planes,
        overwrite=force,
        also=write_stain_page,
    )
    nuclei = sum(int(text) for text in sheet.column(own_name("objects", sheet.columns)))
    flagged = [text for text in sheet.column(own_name("flags", sheet.columns)) if text]
    typer.echo(f"{nuclei:,} nuclei in {len(sheet)} image{'s' * (len(sheet) != 1)}: {out}")
    print_notes(sheet.notes)
    if flagged:
        counts = {flag: sum(flag in text.split() for text in flagged) for flag in sorted({*" ".join(flagged).split()})}
        typer.echo(f"Flagged: {_words(counts)}")
    typer.echo(f"Look at {out / PAGE} first.")
    print_next("coverslip", "fit", "unet", out, "--out", "model")


@samples_app.command(epilog="Example: coverslip samples preview cells.csv --recipe strong --out views.png")
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
    from coverslip.cli.tables import print_next, print_rows
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
    typer.echo(f"{len(found.rows)} images and {found.views.shape[1]} views of each: {out}")
    print_next("coverslip", "fit", "simclr", sheet, "--set", f"recipe={recipe}", "--out", "model")


samples_app.command(
    epilog="Example: coverslip samples spheroids plate/ --pattern '{plate}_{well}_day{day:d}.tif' --layout layout.csv "
    "--out prepared"
)(spheroids.spheroids)
samples_app.command(epilog="Example: coverslip samples phantom-plates --set plates=3 --out plates")(
    spheroids.phantom_plates
)


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} ({count})" for key, count in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "-"
    return str(value)
