"""The documentation: Markdown pages, docstrings, and the commands' own help, written out anew with each build."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverslip
from coverslip import methods
from coverslip.core.config import Config
from coverslip.samples import StainSettings

project = "Coverslip"
author = "the Coverslip authors"
copyright = "the Coverslip authors; BSD 3-Clause"
version = release = coverslip.__version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax", "numpydoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "decisions/README.md"]
templates_path = ["_templates"]
default_role = "py:obj"

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_validation_checks: set[str] = set()
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = "Coverslip"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6e99", "color-brand-content": "#0b6e99"},
    "dark_css_variables": {"color-brand-primary": "#7cc8e6", "color-brand-content": "#7cc8e6"},
}

GENERATED = Path(__file__).parent / "_build" / "generated"


def _write_cards() -> None:
    """The card and the settings of each method, as its package has them."""
    for name in methods.names():
        module = methods.get(name)
        # The page has a title of its own.
        card = "\n".join(module.CARD.markdown().split("\n")[1:])
        (GENERATED / f"{name}-card.md").write_text(card, encoding="utf-8")
        _write_settings(name, module.Config)
    _write_settings("stain", StainSettings)


def _write_settings(name: str, config: type[Config]) -> None:
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for key, default, meaning in config.describe():
        rows.append(f"| `{key}` | `{default}` | {meaning.replace('|', chr(92) + '|')} |")
    (GENERATED / f"{name}-settings.md").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _commands(group: Any, before: str = "") -> Iterator[str]:
    """Every command in the order in which the app has them, those of a group behind its name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield before + name


def _write_help() -> None:
    """What each command says of itself."""
    import contextlib
    import io
    import os

    import typer.main

    from coverslip.cli import main
    from coverslip.cli.app import app

    os.environ["COLUMNS"] = "90"
    parts = []
    for command in _commands(typer.main.get_command(app)):
        heard = io.StringIO()
        with contextlib.redirect_stdout(heard):
            main([*command.split(), "--help"])
        parts += [f"## coverslip {command}", "", "```text", heard.getvalue().strip(), "```", ""]
    (GENERATED / "commands.md").write_text("\n".join(parts), encoding="utf-8")


SHAPES = {
    "classify": ["--size", "64x64", "--channels", "3"],
    "deep_cluster": ["--size", "28x28"],
    "kaizen": ["--size", "64x64"],
    "simclr": ["--size", "96x96", "--channels", "3"],
    "vae": ["--size", "80x80", "--channels", "2", "--set", "latent=2"],
}
"""What the layer tables are of; for other methods, one channel of 256 x 256 pixels."""


def _write_layers() -> None:
    """The layer tables of the method pages."""
    for name in methods.names():
        if not hasattr(methods.get(name), "layers"):
            continue
        asked = [sys.executable, "-m", "coverslip", "methods", name, *SHAPES.get(name, ["--size", "256x256"])]
        told = subprocess.run(asked, check=True, capture_output=True, text=True)
        (GENERATED / f"{name}-layers.txt").write_text(told.stdout, encoding="utf-8")


GENERATED.mkdir(parents=True, exist_ok=True)
_write_cards()
_write_help()
_write_layers()
