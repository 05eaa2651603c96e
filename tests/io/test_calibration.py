"""How large a pixel is and what channels are called, as each program writes it."""

import numpy as np
import pytest
import tifffile

from coverslip.core import InputError
from coverslip.core.image import PixelSize
from coverslip.io.images.calibration import calibrated
from coverslip.read import open_image

PIXELS = np.zeros((2, 20, 30), np.uint16)


@pytest.mark.parametrize(
    ("micrometres", "believed"), [(0.005, True), (20.0, True), (0.0049, False), (21.2, False), (25_400.0, False)]
)
def test_one_rule_for_every_route(tmp_path, micrometres, believed):
    """5 nm to 20 µm: what OME, ImageJ, the tags and a mapping say is believed within, and unknown beyond."""
    expected = (pytest.approx(micrometres, rel=1e-6),) * 2 if believed else None
    size = {"PhysicalSizeX": micrometres, "PhysicalSizeY": micrometres}
    tifffile.imwrite(tmp_path / "a.ome.tif", PIXELS[0], metadata=size)
    per = (1 / micrometres, 1 / micrometres)
    tifffile.imwrite(tmp_path / "imagej.tif", PIXELS[0], imagej=True, resolution=per, metadata={"unit": "um"})
    per_cm = (1e4 / micrometres, 1e4 / micrometres)
    tifffile.imwrite(tmp_path / "tags.tif", PIXELS[0], resolution=per_cm, resolutionunit="CENTIMETER", metadata=None)
    for name in ("a.ome.tif", "imagej.tif", "tags.tif"):
        found = open_image(tmp_path / name).pixel_size
        assert (found and (found.y, found.x)) == expected, name
    assert (calibrated({"Y": micrometres, "X": micrometres}, "YX") is not None) == believed


def test_levels_of_a_slide_may_have_pixels_that_no_microscope_makes():
    assert calibrated({"Y": 0.5, "X": 0.25}, "YX", (64, 64)) == PixelSize(32, 16)


def test_the_distance_of_planes_is_that_of_planes():
    assert calibrated({"Y": 0.5, "X": 0.5, "Z": 2.0}, "CYX") == PixelSize(0.5, 0.5, None)
    assert calibrated({"Y": 0.5, "X": 0.5, "Z": 2.0}, "CZYX") == PixelSize(0.5, 0.5, 2.0)


@pytest.mark.parametrize("dpi", [1, 72, 300])
def test_imagej_inches_describe_paper(tmp_path, dpi):
    """Right: unknown, not 25,400, 352.8 and 84.7 µm."""
    tifffile.imwrite(tmp_path / "a.tif", PIXELS[0], imagej=True, resolution=(dpi, dpi), metadata={"unit": "inch"})
    assert open_image(tmp_path / "a.tif").pixel_size is None


SCIFIO = "SCIFIO=0.43.3\naxes=X,Y\nlengths=30,20\n{}bitsPerPixel=8\nimages=1\nhyperstack=false\nunit={}\n"


@pytest.mark.parametrize(
    ("scales", "unit", "micrometres"),
    [
        ("scales=0.15,0.15\nunits=micrometer,micrometer\n", "micrometer", 0.15),
        ("", "micrometer", 0.15),
        ("scales=0.15,0.15\nunits=pixel,pixel\n", "pixel", None),
        ("scales=0.15,0.15\nunits=furlong,furlong\n", "furlong", None),
        ("scales=1.0,1.0\nunits=null,null\n", "null", None),
        ("", "pixel", None),
    ],
)
def test_imagej2_writes_its_tags_per_centimetre(tmp_path, scales, unit, micrometres):
    """Right: 0.15 µm, not 10,000 times less; 'pixel' and units that nobody knows: unknown, not 1 µm."""
    per_cm = 1e4 / 0.15
    tifffile.imwrite(
        tmp_path / "a.tif",
        PIXELS[0],
        description=SCIFIO.format(scales, unit),
        metadata=None,
        software="SCIFIO",
        resolution=(per_cm, per_cm),
        resolutionunit="CENTIMETER",
    )
    size = open_image(tmp_path / "a.tif").pixel_size
    assert (size and size.x) == (micrometres and pytest.approx(micrometres))


METASERIES = (
    '<MetaData><PlaneInfo><prop id="spatial-calibration-state" type="bool" value="{}"/>'
    '<prop id="spatial-calibration-x" type="float" value="0.65"/>'
    '<prop id="spatial-calibration-y" type="float" value="0.65"/>'
    '<prop id="spatial-calibration-units" type="string" value="{}"/>'
    '<prop id="_IllumSetting_" type="string" value="DAPI"/></PlaneInfo></MetaData>'
)


@pytest.mark.parametrize(
    ("state", "unit", "micrometres"), [("on", "um", 0.65), ("off", "um", None), ("on", "pixel", None)]
)
def test_metaxpress(tmp_path, state, unit, micrometres):
    text = METASERIES.format(state, unit)
    tifffile.imwrite(tmp_path / "a.tif", PIXELS[0], description=text, metadata=None, software="MetaSeries")
    image = open_image(tmp_path / "a.tif")
    assert (image.pixel_size and image.pixel_size.y) == micrometres
    assert image.channels == ("DAPI",)


def known(monkeypatch, kind, facts):
    """As if tifffile had found this in a file of this kind."""
    monkeypatch.setattr(tifffile.TiffFile, f"is_{kind}", True, raising=False)
    monkeypatch.setattr(tifffile.TiffFile, f"{kind}_metadata", property(lambda _: facts))
    monkeypatch.setattr(tifffile.TiffFile, f"_series_{kind}", lambda _: None)


@pytest.mark.parametrize(("state", "unit", "micrometres"), [(1, "um", 0.3), (0, "um", None), (1, "pixel", None)])
def test_metamorph(tmp_path, monkeypatch, state, unit, micrometres):
    planes = [METASERIES.format("on", "um"), METASERIES.format("on", "um").replace("DAPI", "FITC")]
    facts = {"SpatialCalibration": state, "XCalibration": 0.3, "YCalibration": 0.3, "CalibrationUnits": unit}
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, photometric="minisblack", metadata={"axes": "CYX"})
    known(monkeypatch, "stk", {**facts, "ZDistance": np.array([0.0, 0.0]), "PlaneDescriptions": planes})
    image = open_image(tmp_path / "a.tif")
    assert image.pixel_size == (micrometres and PixelSize(micrometres, micrometres))
    assert image.channels == ("DAPI", "FITC")


def test_lsm(tmp_path, monkeypatch):
    """A 2-D LSM has a height of its only plane, which is no distance of planes."""
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, photometric="minisblack", metadata={"axes": "CYX"})
    size = {"VoxelSizeX": 2e-7, "VoxelSizeY": 2e-7, "VoxelSizeZ": 1e-6}
    known(monkeypatch, "lsm", {**size, "ChannelColors": {"ColorNames": ["Ch1-T1", "Ch2-T2"]}})
    image = open_image(tmp_path / "a.tif")
    assert image.pixel_size == PixelSize(pytest.approx(0.2), pytest.approx(0.2), None)
    assert image.channels == ("Ch1-T1", "Ch2-T2")


def test_channels_of_a_slide_are_called_by_its_pages(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.qptiff") as writer:
        for name in ("DAPI", "CD8"):
            text = f"<PerkinElmer-QPI-ImageDescription><Name>{name}</Name></PerkinElmer-QPI-ImageDescription>"
            options = {"description": text, "metadata": None, "software": "PerkinElmer-QPI"}
            writer.write(PIXELS[0], resolution=(20000, 20000), resolutionunit="CENTIMETER", tile=(16, 16), **options)
    image = open_image(tmp_path / "a.qptiff")
    assert (image.axes, image.channels, image.pixel_size) == ("CYX", ("DAPI", "CD8"), PixelSize(0.5, 0.5))


@pytest.mark.parametrize(
    "labels",
    [["Red"], ["c:1/2 - A01.tif", "c:2/2 - A01.tif"], ["c:1/2", "c:2/2"], ["0001", "0002"], ["DAPI", "DAPI"], ["", ""]],
)
def test_slice_labels_that_are_files_counters_or_one_text_name_no_channels(tmp_path, labels):
    """Right: no names, not 'R', 'e', 'd' and not the name of a file."""
    count = 3 if labels == ["Red"] else 2
    stack = np.zeros((count, 20, 30), np.uint16)
    facts = {"axes": "CYX", "mode": "composite", "Labels": labels}
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, photometric="minisblack", metadata=facts)
    assert open_image(tmp_path / "a.tif").channels == ()


@pytest.mark.parametrize("micrometres", [0, -1, 650, 0.001, float("nan")])
def test_a_pixel_size_in_another_unit_is_refused(tmp_path, micrometres):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS[0])
    with pytest.raises(InputError, match=r"0\.005 to 20 µm; give it in µm\.$"):
        open_image(tmp_path / "a.tif", pixel_size=micrometres)
