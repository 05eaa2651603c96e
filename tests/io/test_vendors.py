"""Vendor files through stand-ins with the interface that the libraries document: what is asked for is what comes."""

import sys
import types
from collections import namedtuple
from types import MappingProxyType as Facts
from xml.etree import ElementTree

import numpy as np
import pytest

from coverslip.core.errors import InputError
from coverslip.core.region import Region
from coverslip.io import inventory
from coverslip.read import open_image

ARRAY = np.random.default_rng(0).integers(0, 60000, (2, 3, 4, 2, 20, 30), np.uint16)  # T P Z C Y X


VoxelSize = namedtuple("VoxelSize", "x y z")


class Closing:
    opened = 0

    def __init__(self, path):
        Closing.opened += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        Closing.opened -= 1


class ND2File(Closing):
    sizes = Facts(dict(zip("TPZCYX", ARRAY.shape, strict=True)))
    dtype = ARRAY.dtype
    calibrated = (True, True, True)

    @property
    def metadata(self):
        volume = types.SimpleNamespace(axesCalibrated=self.calibrated)
        channels = [types.SimpleNamespace(name=name) for name in ("DAPI", "GFP")]
        return types.SimpleNamespace(channels=[types.SimpleNamespace(channel=c, volume=volume) for c in channels])

    experiment = (
        types.SimpleNamespace(type="TimeLoop"),
        types.SimpleNamespace(
            type="XYPosLoop",
            parameters=types.SimpleNamespace(points=[types.SimpleNamespace(name=f"Pos{p}") for p in range(3)]),
        ),
    )

    def voxel_size(self):
        return VoxelSize(0.3, 0.3, 2.0)

    def read_frame(self, index):
        return ARRAY.reshape(-1, 2, 20, 30)[index]


class Scan:
    sizes = Facts({"Z": 4, "C": 2, "Y": 20, "X": 30})
    dtype = np.dtype("<u2")
    unit, dyes, colours = "m", ("DAPI", "Cy3"), ("Blue", "Red")

    def __init__(self, position):
        self.position = position
        self.name = f"Pos{position}"

    @property
    def xml_element(self):
        """As Leica writes it: the length is that from the middle of the first pixel to that of the last."""
        lengths = (("1", 30, 29 * 3e-7), ("2", 20, 19 * 3e-7), ("3", 4, 3 * 2e-6))
        dimensions = "".join(
            f'<DimensionDescription DimID="{d}" NumberOfElements="{n}" Length="{length}" Unit="{self.unit}"/>'
            for d, n, length in lengths
        )
        channels = "".join(
            f'<ChannelDescription BytesInc="{i}" LUTName="{colour}"><ChannelProperty><Key>DyeName</Key>'
            f"<Value>{dye}</Value></ChannelProperty></ChannelDescription>"
            for i, (colour, dye) in enumerate(zip(self.colours, self.dyes, strict=True))
        )
        described = f"<Channels>{channels}</Channels><Dimensions>{dimensions}</Dimensions>"
        return ElementTree.fromstring(
            f"<Element><Data><Image><ImageDescription>{described}</ImageDescription></Image></Data></Element>"
        )

    def asarray(self, *, out=None):
        assert out == "memmap"
        return ARRAY[0, self.position]


class LifFile(Closing):
    images = tuple(Scan(p) for p in range(3))


class Scene:
    dims, shape, start, bbox = tuple("TZCYX"), (2, 4, 2, 20, 30), (0, 5, 0, 100, 200), (200, 100, 30, 20)
    sizes = Facts(dict(zip(dims, shape, strict=True)))
    dtype = ARRAY.dtype

    def __init__(self, position):
        self.position, self.levels = position, [self]

    def __call__(self, *, roi, T, Z, C):
        x, y, width, height = roi
        rows, columns = slice(y - 100, y - 100 + height), slice(x - 200, x - 200 + width)
        part = ARRAY[T, self.position, slice(Z.start - 5, Z.stop - 5), C, rows, columns]
        return types.SimpleNamespace(asarray=lambda: part)


class CziFile(Closing):
    scenes = Facts({p + 4: Scene(p) for p in range(3)})
    sizes = (("X", 3e-7), ("Y", 3e-7), ("Z", 2e-6))

    def metadata(self):
        said = "".join(f'<Distance Id="{a}"><Value>{v}</Value></Distance>' for a, v in self.sizes)
        scenes = "".join(f'<Scene Index="{p + 4}" Name="Pos{p}"/>' for p in range(3))
        dimensions = (
            f"<Information><Image><Dimensions><S><Scenes>{scenes}</Scenes></S></Dimensions></Image></Information>"
        )
        scaling = f"<Scaling><Items>{said}</Items></Scaling>"
        return f"<ImageDocument><Metadata>{dimensions}{scaling}</Metadata></ImageDocument>"


@pytest.fixture(autouse=True)
def libraries(monkeypatch):
    for name, kind in (("nd2", ND2File), ("liffile", LifFile), ("czifile", CziFile)):
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(**{kind.__name__: kind}))
    yield
    assert Closing.opened == 0


@pytest.mark.parametrize("suffix", ["nd2", "lif", "czi"])
@pytest.mark.parametrize("series", [0, 2])
def test_windows_of_vendor_files(tmp_path, suffix, series):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"stand-in")
    image = open_image(path, series=series)
    whole = ARRAY[:, series].transpose(0, 2, 1, 3, 4)
    whole = whole[0] if suffix == "lif" else whole
    assert image.axes == ("CZYX" if suffix == "lif" else "TCZYX")
    assert (image.shape, image.dtype) == (whole.shape, np.dtype(np.uint16))
    assert image.pixel_size is not None
    found = (image.pixel_size.y, image.pixel_size.x, image.pixel_size.z)
    assert found == pytest.approx((0.3, 0.3, 2.0))
    assert np.array_equal(image.read(), whole)
    part = image.select(C=1, Z=slice(1, 3)).crop(Region(3, 4, 5, 6)).read()
    assert np.array_equal(part, whole[..., 1, 1:3, 3:8, 4:10])


@pytest.mark.parametrize(
    ("suffix", "stand_in", "changed"),
    [
        ("nd2", ND2File, {"calibrated": (False, False, False)}),
        ("lif", Scan, {"unit": ""}),
        ("lif", Scan, {"unit": "pixel"}),
        ("czi", CziFile, {"sizes": ()}),
        ("czi", CziFile, {"sizes": (("X", 1.0), ("Y", 1.0))}),
    ],
)
def test_what_is_not_calibrated_has_no_pixel_size(tmp_path, monkeypatch, suffix, stand_in, changed):
    (tmp_path / f"a.{suffix}").write_bytes(b"stand-in")
    for name, value in changed.items():
        monkeypatch.setattr(stand_in, name, value)
    assert open_image(tmp_path / f"a.{suffix}").pixel_size is None


def test_channels_of_leica_are_called_by_dye_or_else_by_colours_that_differ(tmp_path, monkeypatch):
    (tmp_path / "a.lif").write_bytes(b"stand-in")
    assert open_image(tmp_path / "a.lif").channels == ("DAPI", "Cy3")
    monkeypatch.setattr(Scan, "dyes", ("", ""))
    assert open_image(tmp_path / "a.lif").channels == ("Blue", "Red")
    monkeypatch.setattr(Scan, "colours", ("Gray", "Gray"))
    assert open_image(tmp_path / "a.lif").channels == ()


@pytest.mark.parametrize("suffix", ["nd2", "lif", "czi"])
def test_positions_and_scenes_are_found_by_name(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"stand-in")
    assert [(one.index, one.name, one.beside) for one in inventory(path).series] == [
        (p, f"Pos{p}", "") for p in range(3)
    ]
    first = open_image(path, series="Pos2").read().ravel()[0]
    assert first == ARRAY[0, 2, 0, 0, 0, 0]


def test_the_first_entry_of_a_lif_may_be_no_image(tmp_path, monkeypatch):
    line = Scan(0)
    line.sizes = Facts({"T": 100, "X": 30})
    monkeypatch.setattr(LifFile, "images", (line, Scan(1), Scan(2)))
    path = tmp_path / "a.lif"
    path.write_bytes(b"stand-in")
    assert [one.beside for one in inventory(path).series] == ["no image", "", ""]
    assert np.array_equal(open_image(path).read(), ARRAY[0, 1].transpose(1, 0, 2, 3))


@pytest.mark.parametrize("suffix", ["nd2", "lif", "czi"])
def test_series_that_are_not_there(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"stand-in")
    with pytest.raises(InputError, match="counted from 0"):
        open_image(path, series=3)
    with pytest.raises(InputError, match="no level 1"):
        open_image(path, level=1)


def test_what_a_library_cannot_read_is_one_sentence(tmp_path, monkeypatch):
    def broken(path):
        raise RuntimeError("chunk map\nis broken")

    monkeypatch.setitem(sys.modules, "nd2", types.SimpleNamespace(ND2File=broken))
    (tmp_path / "a.nd2").write_bytes(b"stand-in")
    with pytest.raises(InputError, match=r"cannot be read \(chunk map\); copy it again"):
        open_image(tmp_path / "a.nd2")
