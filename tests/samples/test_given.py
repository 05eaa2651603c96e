"""Lists, paths and tensors are images too."""

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
from PIL import Image as Picture

from coverslip.classical import find_nuclei
from coverslip.core import Image
from coverslip.core.errors import InputError
from coverslip.results.labels.prediction import one_or_all
from coverslip.samples import open_fields, open_samples

PIXELS = np.arange(12 * 10, dtype=np.uint16).reshape(12, 10)


@pytest.mark.parametrize("tensor", [torch.float32, torch.bfloat16, torch.int32])
def test_a_tensor_is_an_array(tensor):
    given = torch.from_numpy(PIXELS.astype(np.int32)).to(tensor)
    assert (open_fields(given).pixels(0) == PIXELS).all()
    assert (open_samples(given[None]).read([0])[0, 0] == PIXELS).all()
    assert one_or_all(["labels"], given) == "labels"
    assert one_or_all(["labels"], [given]) == ["labels"]


def test_a_list_of_images_in_any_form(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS)
    for given in (
        [tmp_path / "a.tif", str(tmp_path / "a.tif")],
        [PIXELS, tmp_path / "a.tif"],
        (torch.from_numpy(PIXELS.astype(np.int32)), Image.from_array(PIXELS.astype(np.int32))),
    ):
        assert [(field == PIXELS).all() for field in map(open_fields(given).pixels, range(2))] == [True, True]
        assert open_samples(given).read([1, 0]).shape == (2, 1, 12, 10)
    assert open_fields([PIXELS, PIXELS[:5]]).size(1) == (5, 10)


def test_pictures_in_colours_as_other_programs_have_them():
    colours = np.stack([PIXELS, 2 * PIXELS, 3 * PIXELS], -1).astype(np.uint8)
    opaque = np.full((*PIXELS.shape, 1), 255, np.uint8)
    for given in (colours, Picture.fromarray(colours), np.concatenate([colours, opaque], -1), [colours]):
        field = open_fields(given)
        assert field.channels == ("red", "green", "blue")
        assert (field.pixels(0) == np.moveaxis(colours, -1, 0)).all()
    assert open_fields(np.zeros((3, 12, 10))).count == 3  # as this program has them


def test_a_table_is_a_sheet(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS)
    table = pd.DataFrame({"image": [str(tmp_path / "a.tif")] * 2, "dose": [0.5, None], "label": ["x", "y"]})
    samples = open_samples(table)
    assert samples.obs["dose"].tolist()[0] == 0.5
    assert np.isnan(samples.obs["dose"][1])
    assert samples.obs["label"].tolist() == ["x", "y"]
    assert one_or_all(["labels"], table[:1]) == ["labels"]
    with pytest.raises(InputError, match="has no column 'image'; it has: dose"):
        open_fields(table[["dose"]])


@pytest.mark.parametrize("given", [None, 5, {"a": PIXELS}, {"a.tif"}])
def test_what_holds_no_images_is_told_what_does(given):
    for opened in (open_fields, open_samples):
        with pytest.raises(
            InputError, match=f"A {type(given).__name__} holds no images to open; give a file, a folder"
        ):
            opened(given)


def test_lists_that_are_no_images_are_refused():
    with pytest.raises(InputError, match="is empty"):
        open_fields([])
    with pytest.raises(InputError, match="Number 1 of the list of images is a int"):
        open_fields([PIXELS, 3])
    with pytest.raises(InputError, match=r"array 1 is \(5, 10\) uint16, but array 0 \(12, 10\)"):
        open_samples([PIXELS, PIXELS[:5]])


def test_nuclei_of_an_array():
    assert find_nuclei(PIXELS).labels.shape == (12, 10)
