"""The documentation tells the truth: its programs run, its commands parse, its error sentences exist."""

from __future__ import annotations

import ast
import importlib.util
import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/tutorials/*.py")])
PAGES = [page for page in PAGES if "_build" not in page.parts and "generated" not in page.parts]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.py"))


def command_lines(page: Path) -> Iterator[list[str]]:
    """The words of every command line of a page, continued lines joined."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        blocks = re.findall(r"^```([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        text = "\n".join(block for kind, block in blocks if kind in ("", "bash", "text"))
    else:
        text = "\n".join(re.findall(r"^# (coverslip .*)$", text, re.MULTILINE))
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if "coverslip" in words and words[0] in ("coverslip", "torchrun"):
            yield words[words.index("coverslip") + 1 :]


COMMANDS = [
    pytest.param(words, id=f"{page.relative_to(ROOT)}: {' '.join(words)}"[:100])
    for page in PAGES
    for words in command_lines(page)
]


def parsed(words: list[str]) -> tuple[str, dict[str, Any]]:
    """The command that some words reach, and the parameters it would be called with; nothing is run."""
    import typer.main

    from coverslip.cli.app import app
    from coverslip.cli.flags import declare

    declare(words[0])
    command: Any = typer.main.get_command(app)
    name, context = "coverslip", None
    while hasattr(command, "resolve_command"):
        context = command.make_context(name, words, parent=context)
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        name, command, words = command.resolve_command(context, rest)
    return name, command.make_context(name, words, parent=context).params


def test_pages_hold_many_commands() -> None:
    assert len(COMMANDS) > 30


@pytest.mark.parametrize("words", COMMANDS)
def test_command_in_the_documentation_parses(words: list[str]) -> None:
    """Command, options and settings exist; patterns and sizes can be read."""
    from coverslip import methods
    from coverslip.cli.cards import parse_size
    from coverslip.cli.options import parse_value, read_settings, split_setting

    name, params = parsed(words)
    assert name in words
    method = params.get("method") or (params.get("name") if name == "methods" else None)
    if method is not None:
        config = methods.get(method).Config
        given = read_settings(None, params.get("settings"))
        if params.get("preset"):
            given["preset"] = params["preset"]
        assert config.parse(given).model_dump().keys() >= {key.split(".")[0] for key in given}
        for text in params.get("over") or ():
            key, values = split_setting(text)
            assert all(config.parse({key: parse_value(value)}) for value in values.split(","))
    if isinstance(params.get("size"), str):
        assert min(parse_size(params["size"])) >= 8
    if params.get("pattern"):
        from coverslip.samples.sheets.make import compile_pattern

        assert compile_pattern(params["pattern"]).groupindex


def test_a_wrong_option_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option") as caught:
        parsed(["fit", "vae", "crops", "--out", "model", "--latent", "10"])
    assert getattr(caught.value, "exit_code", None) == 2


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(
    tutorial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, where all is imported already; warnings are errors here too."""
    for needed in re.findall(r"^import (scanpy|squidpy|spatialdata)", tutorial.read_text("utf-8"), re.MULTILINE):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(tutorial), run_name="__main__")
    printed = capsys.readouterr().out
    expected = {
        "01_first_look": ("347 nuclei", ["model/config.json", "nuclei.html"]),
        "02_your_own_folder": ("16 fields", ["crops/crops.csv", "model/config.json", "cells.h5ad"]),
        "04_name_the_clusters": ("Balanced accuracy", ["cells.html", "labels.parquet", "probe/config.json"]),
        "03_read_the_result": ("4 latent dimensions", ["cells.h5ad", "cells.csv"]),
        "06_into_scverse": ("Neighbours: ", ["cells.h5ad", "umap.png", "nuclei.spatialdata.zarr/zarr.json"]),
        "05_rank_treatments": ("drug A 3 ", ["study/report.html", "study/ranking/treatments.csv"]),
    }
    words, files = expected[tutorial.stem]
    assert words in printed
    assert [file for file in files if not (tmp_path / file).is_file()] == []


def test_readme_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As printed, on crops where the demo leaves them, but with fewer epochs."""
    from skimage.data import immunohistochemistry

    import coverslip as cs
    from coverslip.core.results import Embedding

    field = cs.Image.from_array(np.moveaxis(immunohistochemistry()[:256, :256], -1, 0), "CYX")
    cs.read.write_image_tiff(field, tmp_path / "field.tif")
    cs.read.write_labels(cs.samples.find_nuclei(field), tmp_path / "field.labels.tif")
    row = {"image": "field.tif", "mask": "field.labels.tif"}
    crops = cs.samples.crop_sheet(cs.samples.Sheet(tmp_path, tuple(row), [row]), tmp_path / "demo" / "crops", 32)

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert '"epochs": 20' in example
    (tmp_path / "example.py").write_text(example.replace('"epochs": 20', '"epochs": 2'), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("example.py", run_name="__main__")

    cells: Embedding = cs.read.read_embedding(tmp_path / "cells.h5ad")
    assert cells.latent.shape == (len(crops), 2)
    assert cs.load(tmp_path / "model").config.latent == 2  # type: ignore[attr-defined]


def test_readme_names_every_method() -> None:
    from coverslip import methods

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE)
    assert listed == methods.names()


def texts_of_the_package() -> Iterator[str]:
    """Every text in the code; what is filled in at run time shows as ``…``."""
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_troubleshooting_quotes_sentences_that_exist() -> None:
    page = (ROOT / "docs" / "guide" / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^### `(.+)`$", page, re.MULTILINE)
    said = list(texts_of_the_package())
    assert len(quoted) > 15
    assert [sentence for sentence in quoted if not any(sentence in text for text in said)] == []


@pytest.mark.parametrize("page", [p for p in PAGES if p.suffix == ".md"], ids=lambda p: str(p.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_constraints_pin_every_dependency_exactly() -> None:
    """Each line is ``name==version``; what is installed here through Coverslip is among them."""
    from importlib.metadata import PackageNotFoundError, requires

    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!+-]+", line)] == []
    pinned = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in pins}

    wanted, seen = ["coverslip"], set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            needs = requires(name) or []
        except PackageNotFoundError:
            continue
        extras = ("test", "docs", "dev") if name == "coverslip" else ("",)
        for need in needs:
            from packaging.requirements import Requirement

            requirement = Requirement(need)
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
                wanted.append(re.sub(r"[-_.]+", "-", requirement.name).lower())
    assert seen - pinned - {"coverslip", "setuptools"} == set()
