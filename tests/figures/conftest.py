"""Real crops for the tests of figures and pages, and a browser to open pages with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


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
