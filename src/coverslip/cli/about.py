"""What there is and whether it works: methods, shipped models, this machine, a demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coverslip.cli.options import Settings


def methods(
    name: Annotated[str | None, typer.Argument(help="A method; without one they are listed.")] = None,
    size: Annotated[str | None, typer.Option(help="Image size, height x width: prints the layers.")] = None,
    channels: Annotated[int, typer.Option(help="Channels of the image.")] = 1,
    preset: Annotated[str | None, typer.Option(help="Short for --set preset=NAME.")] = None,
    settings: Settings = None,
) -> None:
    """List methods; print a card or a layer table."""
    from coverslip.cli import cards

    if name is None:
        cards.list_methods()
    elif size is None:
        cards.print_card(name)
    else:
        cards.print_layers(name, size, channels, [*(settings or []), *([f"preset={preset}"] if preset else [])])


def models(
    name: Annotated[str | None, typer.Argument(help="A shipped model; without one they are listed.")] = None,
) -> None:
    """List the models that come with Coverslip; print the card of one."""
    from coverslip.cli import cards

    if name is None:
        cards.list_models()
    else:
        cards.print_model(name)


def doctor() -> None:
    """Say what works here and what is missing."""
    from coverslip.cli.doctor import examine

    raise typer.Exit(examine())


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything it makes.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Decides everything random.")] = 0,
) -> None:
    """Embed the nuclei of a real image, with a report.

    Finds, crops, embeds and clusters the nuclei of the immunohistochemistry field that scikit-image ships; takes
    about two minutes.
    """
    from coverslip.demo import run_demo

    page = run_demo(out, seed=seed)
    typer.echo(f"Open {page} in a browser.")
