"""A fit may begin from a fitted model of the same method, the same channels and the same shape."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import coverslip as cs
from coverslip.core import Fitted, InputError
from coverslip.methods import kaizen, unet
from coverslip.train.run import Run

from ..unet.blobs import blob_fields

QUICK: dict[ModuleType, dict[str, Any]] = {
    unet: {"epochs": 12, "width": 4, "levels": 2, "patch": 64, "batch": 4, "learning_rate": 0.01},
    kaizen: {"epochs": 12, "width": 4, "patch": 32, "codes": 16, "groups": 2, "learning_rate": 0.01},
}
PRECISE = Run(device="cpu", precision="fp32")


@pytest.fixture(scope="module", params=QUICK, ids=["unet", "kaizen"])
def method(request: pytest.FixtureRequest) -> ModuleType:
    found: ModuleType = request.param
    return found


@pytest.fixture(scope="module")
def fitted(method: ModuleType) -> Fitted:
    found: Fitted = method.fit(blob_fields(4), method.Config(**QUICK[method]), PRECISE)
    return found


def test_what_begins_from_a_model_begins_where_that_ended(method: ModuleType, fitted: Fitted) -> None:
    short = {**QUICK[method], "epochs": 1, "learning_rate": 1e-6}
    on = method.fit(blob_fields(4, seed=1), method.Config(**short, start="before"), PRECISE, start=fitted)
    anew = method.fit(blob_fields(4, seed=1), method.Config(**short), PRECISE)
    for name, array in fitted.weights.items():
        if name.endswith(("weight", "bias")):
            np.testing.assert_allclose(on.weights[name], array, atol=1e-3)
    assert on.history[0]["loss"] < 0.8 * anew.history[0]["loss"]


def test_a_start_of_another_shape_is_refused_with_the_settings_to_give(method: ModuleType, fitted: Fitted) -> None:
    wider = method.Config(**{**QUICK[method], "width": 8}, start="before")
    with pytest.raises(InputError, match="--set width=4"):
        method.fit(blob_fields(4), wider, PRECISE, start=fitted)


def test_a_start_of_another_method_is_refused(method: ModuleType, fitted: Fitted) -> None:
    other = next(one for one in QUICK if one is not method)
    with pytest.raises(InputError, match=f"a model of {fitted.method}"):
        other.fit(blob_fields(4), other.Config(**QUICK[other], start="before"), PRECISE, start=fitted)


def test_a_start_for_other_channels_is_refused() -> None:
    settings = {**QUICK[unet], "epochs": 1}
    fitted = unet.fit(blob_fields(4), unet.Config(**settings), PRECISE)
    with pytest.raises(InputError, match="1 channel, and these have 2"):
        unet.fit(blob_fields(4, channels=2), unet.Config(**settings, start="before"), PRECISE, start=fitted)


def test_a_start_is_named_by_its_folder(tmp_path: Path) -> None:
    settings = {**QUICK[unet], "epochs": 1}
    first = cs.fit("unet", blob_fields(4), settings)
    first.save(tmp_path / "first")
    second = cs.fit("unet", blob_fields(4), {**settings, "learning_rate": 1e-9, "start": str(tmp_path / "first")})
    kernels = [name for name, array in first.weights.items() if array.ndim == 4]
    assert all(np.allclose(first.weights[name], second.weights[name], atol=1e-4) for name in kernels)
    with pytest.raises(InputError, match=r"coverslip\.fit"):
        unet.fit(blob_fields(4), unet.Config(**settings, start="somewhere"), PRECISE)
