from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coverslip.core.errors import InputError
from coverslip.core.image import Image
from coverslip.read import open_image
from coverslip.samples import sharpest, sharpness


def test_sharpness_is_the_mean_gradient_magnitude() -> None:
    y, x = np.mgrid[:20, :30]
    ramp = (3 * y + 4 * x).astype(np.uint16)
    np.testing.assert_allclose(sharpness(np.stack([ramp, 2 * ramp, 0 * ramp])), [5, 10, 0])


def test_unsigned_pixels_do_not_wrap_around() -> None:
    falling = np.tile(np.arange(20, 0, -1, dtype=np.uint8), (20, 1))
    assert sharpness(falling) == 1


def test_blur_lowers_sharpness_step_by_step() -> None:
    from skimage import data

    camera = data.camera().astype(np.float32)
    stack = np.stack([gaussian_filter(camera, sigma) for sigma in (3, 1, 0, 2)])
    assert np.argsort(-sharpness(stack)).tolist() == [2, 1, 3, 0]
    image = Image.from_array(stack, "ZYX")
    assert sharpest(image).tolist() == [2]
    assert sharpest(image, 3).tolist() == [1, 2, 3]


def test_channels_decide_together() -> None:
    stack = np.zeros((2, 3, 8, 8), np.uint8)
    stack[0, 1, ::2], stack[1, 2, ::2], stack[1, 1, ::2] = 10, 15, 9
    assert sharpest(Image.from_array(stack, "CZYX")).tolist() == [1]


def test_what_has_no_planes_is_refused() -> None:
    flat = Image.from_array(np.zeros((8, 8)), source="a.tif")
    with pytest.raises(InputError, match=r"a\.tif: the sharpest plane is chosen from axes ZYX or CZYX, not 'YX'"):
        sharpest(flat)
    with pytest.raises(InputError, match="4 planes were asked for, but there are 3"):
        sharpest(Image.from_array(np.zeros((3, 8, 8)), "ZYX"), 4)
    with pytest.raises(InputError, match="at least 2 x 2"):
        sharpness(np.zeros((3, 1, 5)))


@pytest.mark.data
def test_neighbouring_planes_of_a_real_stack_are_the_sharpest(data_folder: Path) -> None:
    image = open_image(data_folder / "isl_transmitted_z" / "transmitted_z.tif")
    planes = sharpest(image, 3)
    assert planes.max() - planes.min() == 2
