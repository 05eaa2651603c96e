"""Lists, paths and tensors are images too."""

import numpy as np
import pytest
import tifffile
import torch

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


def test_lists_that_are_no_images_are_refused():
    with pytest.raises(InputError, match="is empty"):
        open_fields([])
    with pytest.raises(InputError, match="Number 1 of the list of images is a int"):
        open_fields([PIXELS, 3])
    with pytest.raises(InputError, match=r"array 1 is \(5, 10\) uint16, but array 0 \(12, 10\)"):
        open_samples([PIXELS, PIXELS[:5]])


def test_nuclei_of_an_array():
    assert find_nuclei(PIXELS).labels.shape == (12, 10)
