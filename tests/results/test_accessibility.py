"""No page of any kind, light or dark, wide or narrow, has anything that axe-core finds fault with."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from .pages import KINDS

pytestmark = pytest.mark.chromium

# What is seen only after a click: details open, cells chosen, a large picture.
_STATES: dict[str, dict[str, str]] = {
    "embedding": {
        "chosen": "document.querySelector('#legend .chip').click()",
        "table": "document.querySelector('[data-view=table]').click()",
    },
    "labels": {"viewer": "document.querySelector('.shot').click()"},
    "decomposition": {"object": "document.getElementById('after').click()"},
    "scores": {"unsure": "document.querySelector('[data-which=unsure]').click()"},
}
_OPEN_ALL = "document.querySelectorAll('details').forEach((part) => { part.open = true; })"
_FINDINGS = """async () => (await axe.run(document, {resultTypes: ['violations'], preload: false})).violations.flatMap(
  (rule) => rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`))"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core, which a package of the extra `test` brings."""
    spec = find_spec("axe_playwright_python")
    if spec is None or not spec.origin:
        if os.environ.get("COVERSLIP_REQUIRE_CHROMIUM") == "1":
            pytest.fail("axe-playwright-python is not installed; pip install '.[test]'")
        pytest.skip("axe-playwright-python, which brings axe-core, is not installed")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_has_no_finding_of_axe(browser: Any, axe: str, tmp_path: Path, kind: str) -> None:
    path = KINDS[kind](tmp_path / f"{kind}.html")
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
    context.set_offline(True)
    page = context.new_page()
    page.goto(path.as_uri())
    if page.locator("script").count() > 1:
        page.wait_for_selector("body[data-ready]", timeout=60_000)
    page.evaluate(axe)
    page.evaluate(_OPEN_ALL)
    found = []
    views = [("light", 1400), ("dark", 420), ("light", 420), ("dark", 1400)]
    for state, action in {"opened": "", **_STATES.get(kind, {})}.items():
        page.evaluate(action)
        for scheme, width in views if state == "opened" else views[:2]:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 1000})
            found += [f"{state}, {scheme}, {width} px: {finding}" for finding in page.evaluate(_FINDINGS)]
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
    assert found == []
