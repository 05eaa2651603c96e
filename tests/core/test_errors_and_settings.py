"""Settings are checked in one sentence; complaints name the file they are about."""

from __future__ import annotations

import pytest
from pydantic import Field

from coverslip.core.config import Config
from coverslip.core.errors import InputError, ModelError, about


class Inner(Config):
    depth: int = Field(2, ge=1, description="Depth.")


class Outer(Config):
    rate: float = Field(0.1, gt=0, description="Rate.")
    inner: Inner = Inner()


def test_dotted_names_reach_nested_settings() -> None:
    config = Outer.parse({"inner.depth": "5", "rate": 1})
    assert (config.inner.depth, config.rate) == (5, 1.0)
    assert Outer.parse(config.model_dump()) == config
    assert [row[:2] for row in Outer.describe()] == [("rate", "0.1"), ("inner.depth", "2")]


class Group(Config):
    turn: bool = Field(True, description="Turn.")
    noise: float = Field(0.0, description="Noise.")
    blur: float = Field(0.0, description="Blur.")


class Grouped(Config):
    augment: Group = Group(turn=False, noise=0.1)


def test_one_setting_of_a_group_leaves_the_others_as_they_are_listed() -> None:
    assert Grouped.parse({"augment.blur": "2"}).augment == Group(turn=False, noise=0.1, blur=2)
    assert Grouped(augment={"noise": 0}).augment == Group(turn=False)
    assert Grouped(augment=Group()).augment == Group()  # a whole group is meant as it is


class Listed(Config):
    order: tuple[str, ...] = Field((), description="Names.")
    ends: tuple[float, float] = Field((0.1, 99.9), description="Two numbers.")


def test_a_list_is_written_with_commas() -> None:
    found = Listed.parse({"order": "normal, light,severe", "ends": "[1, 99]"})
    assert found == Listed(order=("normal", "light", "severe"), ends=(1, 99))
    assert Listed.parse({"order": "normal"}).order == ("normal",)
    assert Listed.parse({"order": ""}).order == ()
    with pytest.raises(InputError, match="The setting 'ends"):
        Listed.parse({"ends": "1,x"})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rates": 1}, "no setting 'rates'; did you mean 'rate'? The settings are: rate, inner.depth"),
        ({"inner.deep": 1}, "no setting 'inner.deep'"),
        ({"rate": 0}, "The setting 'rate' cannot be 0: Input should be greater than 0"),
        ({"inner.depth": "x"}, "The setting 'inner.depth' cannot be 'x'"),
        ({"rate": 1, "rate.x": 2}, "The setting 'rate' is a value"),
    ],
)
def test_a_setting_that_cannot_be_is_named(values: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as caught:
        Outer.parse(values)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_complaint_gets_the_name_of_the_file_unless_it_has_one() -> None:
    with pytest.raises(InputError, match=r"^cells\.csv: too small\.$"), about("cells.csv"):
        raise InputError("too small.")
    with pytest.raises(InputError, match=r"^a/b\.tif is too small\.$"), about("cells.csv"):
        raise InputError("a/b.tif is too small.")
    with pytest.raises(InputError, match=r"^cells\.csv is too small\.$"), about("cells.csv"):
        raise InputError("cells.csv is too small.")
    with pytest.raises(InputError, match=r"^names\.json holds no name\.$"), about("cells.csv"):
        raise InputError("names.json holds no name.")
    with pytest.raises(InputError, match=r"^cells\.csv: 0\.5 is too small\.$"), about("cells.csv"):
        raise InputError("0.5 is too small.")
    with pytest.raises(InputError, match=r"^too small\.$"), about(None):
        raise InputError("too small.")
    with pytest.raises(ModelError, match=r"^damaged\.$"), about("cells.csv"):
        raise ModelError("damaged.")
