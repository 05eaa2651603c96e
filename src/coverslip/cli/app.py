"""The app: every verb with its example. Each imports what it needs when it runs, so that `--help` starts at once."""

from __future__ import annotations

from typing import Annotated

import typer

from coverslip.cli.about import demo, doctor, methods, models
from coverslip.cli.index import index, search
from coverslip.cli.modelling import fit, predict
from coverslip.cli.results import decode, evaluate, export, label, measure, refine, report
from coverslip.cli.samples import samples_app
from coverslip.cli.study import study_app

app = typer.Typer(
    name="coverslip",
    help="Learn from microscopy images with few labels or none.",
    epilog="Start with: coverslip demo. What a method needs: coverslip methods vae.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(samples_app, name="samples")
app.add_typer(study_app, name="study")


def _print_version(wanted: bool) -> None:
    if wanted:
        from coverslip import __version__

        typer.echo(f"coverslip {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command(epilog="Example: coverslip fit vae crops/ --out model --set latent=10 --set epochs=50")(fit)
app.command(epilog="Example: coverslip predict nuclei-fluo image.tif")(predict)
app.command(epilog="Example: coverslip evaluate labels/ sheet.csv --split val --per-image images.csv")(evaluate)
app.command(epilog="Example: coverslip measure masks/ images/ --ring 5 --out objects.csv")(measure)
app.command(epilog="Example: coverslip refine labels/ --alpha 0.6 --threshold 0.45")(refine)
app.command(epilog="Example: coverslip report labels --truth sheet.csv --out report.html")(report)
app.command(epilog="Example: coverslip label cells.h5ad cells.h5ad names.json --out labels.parquet")(label)
app.command(epilog="Example: coverslip export labels --geojson --classification Nucleus")(export)
app.command(epilog="Example: coverslip decode slide.cslip.zarr --out slide.ome.tif")(decode)
app.command(epilog="Example: coverslip index cells.index plate1.h5ad plate2.h5ad")(index)
app.command(epilog="Example: coverslip search cells.index new.h5ad --apart patient --out hits.html")(search)
app.command(epilog="Example: coverslip methods vae --size 140x140 --channels 2 --preset mp4")(methods)
app.command()(models)
app.command()(doctor)
app.command()(demo)
