"""Fixtures every test may use; tests that need the shared real images are marked `data`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("at any speed", deadline=None)
settings.load_profile("at any speed")
os.environ.setdefault("NUMBA_OPT", "0")  # what UMAP compiles runs once here: a fifth of the time is not spent on speed

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("COVERSLIP_DATA", ROOT.parent / "shared" / "data"))

_NO_DATA = f"the shared real images are not at {DATA}; set COVERSLIP_DATA to their folder"

_AS_IMPORTED: dict[str, Any] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write the expected values of seeded fits anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "data" in item.keywords and not DATA.is_dir():
            item.add_marker(pytest.mark.skip(reason=_NO_DATA))


@pytest.fixture(scope="session", autouse=True)
def _at_any_speed() -> Iterator[None]:
    """Lines of progress come by the clock: a busy machine must not say more than a quick one."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_LINE_SECONDS", "_WORTH_SECONDS"):
            patch.setattr(f"coverslip.cli.progress.{name}", float("inf"))
        yield


@pytest.fixture(autouse=True)
def _drawn_alike(request: pytest.FixtureRequest) -> None:
    """What a module's `RNG` draws for a test does not depend on which tests this process ran before."""
    rng = getattr(request.module, "RNG", None)
    if rng is not None:
        rng.bit_generator.state = _AS_IMPORTED.setdefault(request.module.__name__, rng.bit_generator.state)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of shared real images: without it tests are skipped, those marked `data` before their fixtures."""
    if not DATA.is_dir():
        pytest.skip(_NO_DATA)
    return DATA


@pytest.fixture(scope="module")
def toy_pca() -> Iterator[str]:
    """The name of a method that is not trained, known while the tests of a module run."""
    from coverslip import methods

    folder = str(ROOT / "tests" / "toy_pca" / "methods")
    methods.__path__.append(folder)
    yield "toy_pca"
    methods.__path__.remove(folder)
    vars(methods).pop("toy_pca", None)
    for name in [name for name in sys.modules if name.startswith("coverslip.methods.toy_pca")]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a U-Net that was fitted to fields of blobs for a few seconds."""
    from .once import made_once

    return made_once(tmp_path_factory, "tiny", _tiny_model)


def _tiny_model(folder: Path) -> None:
    import coverslip as cs
    from coverslip.train import Run

    from .unet.blobs import blob_fields

    settings = {"epochs": 24, "batch": 2, "width": 8, "levels": 3, "patch": 64, "learning_rate": 0.01, "zoom": 1}
    model = cs.fit("unet", blob_fields(6), settings, run=Run(device="cpu", precision="fp32"))
    model.save(folder)


@pytest.fixture(scope="session")
def tiny_kaizen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Kaizen model that was fitted to fields of blobs for a few seconds."""
    from .once import made_once

    return made_once(tmp_path_factory, "tiny-kaizen", _tiny_kaizen)


def _tiny_kaizen(folder: Path) -> None:
    import coverslip as cs
    from coverslip.train import Run

    from .unet.blobs import blob_fields

    settings = {"epochs": 30, "batch": 16, "learning_rate": 0.02, "width": 4, "patch": 32, "codes": 16, "groups": 2}
    model = cs.fit("kaizen", blob_fields(4), settings, run=Run(device="cpu", precision="fp32"))
    # After so short a fit nothing is sure: what was chosen for good models would refuse all objects.
    search = cs.methods.kaizen.Search(confidence=0.4, worth=0.1, mask=0.4).model_dump()
    replace(model, facts={**model.facts, "search": search}).save(folder)


@pytest.fixture(scope="session")
def nuclei() -> np.ndarray:
    """48 real crops of stained nuclei, ``(48, 3, 32, 32)`` uint8."""
    from scipy import ndimage
    from skimage import color, data, filters

    field = data.immunohistochemistry()
    haematoxylin = filters.gaussian(color.rgb2hed(field)[..., 0], 2)
    found, count = ndimage.label(haematoxylin > filters.threshold_otsu(haematoxylin))
    centres = np.array(ndimage.center_of_mass(found > 0, found, np.arange(1, count + 1))).round().astype(int)
    inside = centres[((centres >= 16) & (centres < 512 - 16)).all(axis=1)][:48]
    crops = np.stack([field[y - 16 : y + 16, x - 16 : x + 16] for y, x in inside])
    return np.ascontiguousarray(np.moveaxis(crops, -1, 1))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; without one the tests that need it are skipped, or fail where one is required."""
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        reason = f"no Chromium browser on the path (looked for {', '.join(_BROWSERS)})"
        if os.environ.get("COVERSLIP_REQUIRE_CHROMIUM") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()
