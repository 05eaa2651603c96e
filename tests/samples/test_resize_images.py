"""Images at another size: antialiased, in their own type, with all that their sheet says and the right µm per pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from coverslip.cli import main
from coverslip.core.errors import InputError
from coverslip.core.image import PixelSize
from coverslip.core.samples import ArraySamples
from coverslip.read import open_image, read_labels, write_image_tiff, write_labels
from coverslip.samples import ResizedSamples, Resizing, Sheet, open_samples, read_sheet, resize_sheet, write_sheet

SIZE = (60, 90)
RNG = np.random.default_rng(0)


@pytest.fixture
def fields(tmp_path: Path) -> Sheet:
    """One field of two channels and three planes, with mask, layers and paired image."""
    pixels = RNG.integers(0, 60_000, (2, 3, *SIZE)).astype(np.uint16)
    write_image_tiff(pixels, tmp_path / "a.tif", "CZYX", PixelSize(0.5, 0.5, 2), ("DNA", "light"))
    write_image_tiff(RNG.integers(0, 255, SIZE).astype(np.uint8), tmp_path / "b.tif", axes="YX")
    labels = np.zeros(SIZE, np.uint16)
    labels[10:40, 20:60], labels[50, 80] = 7, 300
    write_labels(labels, tmp_path / "a.labels.tif")
    layers = np.stack([labels, np.roll(labels, 5, axis=1)])
    write_image_tiff(layers, tmp_path / "a.layers.tif", axes="ZYX", channels=("layers",))
    row = {"image": "a.tif", "mask": "a.labels.tif", "layers": "a.layers.tif", "source": "b.tif"}
    row |= {"group": "A549", "split": "val", "source_image": "slide.tif"}
    return write_sheet(Sheet(tmp_path, tuple(row), [row]), tmp_path / "fields.csv")


@pytest.fixture
def crops(tmp_path: Path) -> Sheet:
    """Five crops of 40 x 40 pixels in one stack, and one in a file of its own."""
    stack = RNG.integers(0, 4000, (5, 2, 40, 40)).astype(np.uint16)
    write_image_tiff(stack, tmp_path / "crops.tif", "TCYX", PixelSize(0.5, 0.5), hyperstack=True)
    write_image_tiff(stack[0], tmp_path / "alone.tif", "CYX", PixelSize(0.5, 0.5))
    rows = [{"image": "crops.tif", "frame": str(i), "label": "ab"[i % 2], "pixel_size": "0.4"} for i in (3, 0, 4, 1)]
    rows.insert(2, {"image": "alone.tif", "frame": "", "label": "c", "pixel_size": "0.4"})
    return write_sheet(Sheet(tmp_path, tuple(rows[0]), rows), tmp_path / "cells.csv")


def test_pixels_are_those_of_pillow_and_of_their_own_type(fields: Sheet, tmp_path: Path) -> None:
    made = resize_sheet(fields, tmp_path / "half", (30, 45))
    image = open_image(made.file(0) or "")
    assert (image.axes, image.shape, image.dtype) == ("CZYX", (2, 3, 30, 45), np.uint16)
    assert (image.pixel_size, image.channels) == (PixelSize(1, 1, 2), ("DNA", "light"))
    before = open_image(fields.file(0) or "").read()[1, 2].astype(np.float32)
    theirs = np.asarray(Picture.fromarray(before).resize((45, 30), Picture.Resampling.BILINEAR))
    inner = np.s_[1:-1, 1:-1]  # Pillow leaves what lies beyond the border out, here the outermost pixel is repeated
    np.testing.assert_allclose(image.read()[1, 2][inner], theirs[inner], atol=0.51)
    paired = open_image(made.file(0, "source") or "")
    assert (paired.shape, paired.dtype) == ((30, 45), np.uint8)


def test_masks_and_layers_keep_their_numbers(fields: Sheet, tmp_path: Path) -> None:
    made = resize_sheet(fields, tmp_path / "third", (20, 30))
    labels = read_labels(made.file(0, "mask") or "")
    assert np.unique(labels.labels).tolist() == [0, 7]
    assert labels.pixel_size == PixelSize(1.5, 1.5)
    assert (labels.labels == 7).sum() == pytest.approx(30 * 40 / 9, rel=0.1)
    assert made.notes == ("1 object of the masks is lost, smaller than a new pixel.",)
    layers = open_image(made.file(0, "layers") or "")
    assert (layers.axes, layers.shape) == ("ZYX", (2, 20, 30))
    np.testing.assert_array_equal(layers.read()[0], labels.labels)


def test_all_other_columns_are_carried_over(fields: Sheet, tmp_path: Path) -> None:
    (row,) = resize_sheet(fields, tmp_path / "half", (30, 45)).rows
    assert {key: row[key] for key in ("group", "split", "image", "source_image")} == {
        "group": "A549",
        "split": "val",
        "image": "a.tif",
        "source_image": "../slide.tif",  # what the field was itself cut out of
    }


def test_crops_of_one_stack_are_one_stack_again(crops: Sheet, tmp_path: Path) -> None:
    made = resize_sheet(crops, tmp_path / "larger", (80, 80))
    assert made.column("label") == ["b", "a", "c", "a", "b"]
    assert made.column("frame") == ["0", "1", "", "2", "3"]
    assert sorted(set(made.column("image"))) == ["alone.tif", "crops.tif"]
    assert made.column("pixel_size") == ["0.2"] * 5
    before, after = open_samples(crops), open_samples(made)
    assert open_image(made.file(0) or "").pixel_size == PixelSize(0.2, 0.2)
    np.testing.assert_array_equal(after.read(range(5)), Resizing((80, 80)).pixels(before.read(range(5))))
    assert "5 of 5 images are enlarged (from 40 x 40 pixels to 80 x 80): that is upsampling" in made.notes[0]


def test_other_proportions_are_refused_padded_or_stretched(fields: Sheet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 2: .*60 x 90 pixels have other proportions than 30 x 30; .* 30 x 45"):
        resize_sheet(fields, tmp_path / "same", (30, 30))
    assert not (tmp_path / "same").exists()
    padded = resize_sheet(fields, tmp_path / "padded", (30, 30), aspect="pad")
    image, mask = open_image(padded.file(0) or ""), read_labels(padded.file(0, "mask") or "").labels
    assert image.pixel_size == PixelSize(1.5, 1.5, 2)
    assert np.ptp(image.read()[..., :5, :], axis=(-2, -1)).max() == 0  # background above, of one value each
    assert not mask[:5].any()
    stretched = resize_sheet(fields, tmp_path / "stretched", (30, 30), aspect="stretch")
    assert open_image(stretched.file(0) or "").pixel_size == PixelSize(1, 1.5, 2)
    assert "no squares" in stretched.notes[0]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16", "float32"])
@pytest.mark.parametrize("to", [(17, 17), (71, 71)])
def test_an_even_image_stays_so_up_to_the_largest_value(dtype: str, to: tuple[int, int]) -> None:
    most = np.iinfo(dtype).max if dtype != "float32" else 0.7
    made = Resizing(to).pixels(np.full((2, 1, 30, 30), most, dtype))
    assert made.dtype == dtype
    np.testing.assert_allclose(np.unique(made), most, rtol=1e-7)


def test_samples_in_memory_are_resized_when_they_are_read() -> None:
    samples = ArraySamples(RNG.integers(0, 255, (6, 3, 24, 24)).astype(np.uint8), {"label": list("aabbcc")})
    small = ResizedSamples(samples, Resizing((12, 12)))
    assert (small.shape, len(small), small.dtype) == ((3, 12, 12), 6, np.uint8)
    np.testing.assert_array_equal(small.read([4, 1]), small.read(range(6))[[4, 1]])
    with pytest.raises(InputError, match="other proportions"):
        ResizedSamples(samples, Resizing((12, 24)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--to", "80by80"], "'80by80' is no image size; write height x width"),
        (["--to", "0x40"], "0 x 40 pixels hold nothing"),
        (["--to", "30x45", "--aspect", "keep"], "no aspect 'keep'; say same, pad or stretch"),
        (["--to", "9999999x14999998"], "GB of free memory"),
    ],
)
def test_bad_input_is_one_sentence(
    fields: Sheet, tmp_path: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["samples", "resize", str(fields.path), "--out", str(tmp_path / "out"), *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_pixels_that_are_no_numbers_are_refused_before_they_spread(tmp_path: Path) -> None:
    pixels = RNG.random((20, 20), np.float32)
    pixels[3, 4] = np.nan
    write_image_tiff(pixels, tmp_path / "a.tif", axes="YX")
    with pytest.raises(InputError, match=r"a\.tif: 1 pixel is NaN or infinite"):
        resize_sheet(read_sheet(tmp_path / "a.tif"), tmp_path / "small", (10, 10))
    assert not (tmp_path / "small").exists()


def test_the_command_says_what_it_did(crops: Sheet, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["samples", "resize", str(crops.path), "--to", "20", "--out", str(tmp_path / "small")]) == 0
    said = capsys.readouterr().out
    assert "5 images of 20x20 pixels" in said
    assert "upsampling" not in said
    assert len(read_sheet(tmp_path / "small")) == 5


def test_only_resized_images_are_replaced_and_never_what_they_are_made_of(crops: Sheet, tmp_path: Path) -> None:
    resize_sheet(crops, tmp_path / "small", (20, 20))
    assert open_samples(resize_sheet(crops, tmp_path / "small", (10, 10), overwrite=True)).shape == (2, 10, 10)
    with pytest.raises(InputError, match="so it is not replaced"):
        resize_sheet(read_sheet(tmp_path / "small"), tmp_path / "small", (5, 5), overwrite=True)
    with pytest.raises(InputError, match="holds other things than resized images"):
        resize_sheet(crops, tmp_path, (5, 5), overwrite=True)
