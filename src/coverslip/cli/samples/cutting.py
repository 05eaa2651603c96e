"""The commands that make images and labels of images: crops, patches, tiles, other sizes, labels from a stain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Force, Out, PixelSize, read_settings
from coverslip.cli.tables import in_words
from coverslip.core.words import number_of


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
    typer.echo(f"{number_of(len(crops), 'crop')} of {size} {unit}: {crops.path}")
    print_notes(crops.notes)
    print_next("coverslip", "fit", "vae", out, "--out", "model")


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
    typer.echo(f"{number_of(len(drawn), 'patch', 'patches')} of {size} x {size} pixels: {drawn.path}")


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
    typer.echo(f"{number_of(len(tiles), 'tile')}{f' ({parts})' if parts else ''}: {tiles.path}")
    print_notes(tiles.notes)


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
    typer.echo(f"{number_of(len(made), 'image')} of {'x'.join(map(str, parse_size(to)))} pixels: {made.path}")
    print_notes(made.notes)
    print_next("coverslip", "samples", "check", out)


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
    typer.echo(f"{number_of(nuclei, 'nucleus', 'nuclei')} in {number_of(len(sheet), 'image')}: {out}")
    print_notes(sheet.notes)
    if flagged:
        counts = {flag: sum(flag in text.split() for text in flagged) for flag in sorted({*" ".join(flagged).split()})}
        typer.echo(f"Flagged: {in_words(counts)}")
    typer.echo(f"Look at {out / PAGE} first.")
    print_next("coverslip", "fit", "unet", out, "--out", "model")
