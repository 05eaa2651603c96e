"""Images of spheroids made ready: planes, crops, flags, wells, pairs; against phantoms of which all is known."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from coverslip.cli import main
from coverslip.core import InputError
from coverslip.io import open_image, write_image_tiff
from coverslip.measure import spearman
from coverslip.read import read_embedding
from coverslip.samples import (
    FEATURES,
    PlateSettings,
    SpheroidSettings,
    find_spheroid,
    phantom_plates,
    prepare_spheroids,
    spheroid_features,
    three_planes,
)
from coverslip.samples.spheroids.finding import Found, square
from coverslip.samples.spheroids.flags import flags_of
from coverslip.samples.spheroids.phantom import Plate, Spheroid, draw, draw_plate, grown, seeded
from coverslip.samples.spheroids.phantom_plates import IMAGE_PATTERN
from coverslip.samples.spheroids.wells import at_edge, pairs, read_layout, well_name

PLAIN = Plate(light=30000, slope=(0.02, -0.03), size=1, density=1, blur=5)
ROUND = Spheroid(
    radius=0.2, core=0.4, core_density=0.5, density=0.8, roughness=0.01, rim=0.1, debris=6, y=0.05, x=-0.03
)
SHAPE = (96, 120)


def test_the_sharpest_plane_is_the_one_in_focus_and_shifts_are_undone() -> None:
    rng = np.random.default_rng(0)
    right, errors = 0, []
    for i in range(40):
        stack = draw(seeded(rng), draw_plate(rng), SHAPE, (3, 5)[i % 2], rng)
        planes = three_planes(stack.planes)
        right += planes.sharpest == stack.sharpest
        moved = np.abs(stack.shifts[list(planes.chosen)] - stack.shifts[planes.sharpest]).max()
        errors.append(abs(planes.shift - moved))
        assert planes.pixels.dtype == np.uint16
    assert right == 40
    assert np.median(errors) < 0.25


def test_one_plane_is_repeated_and_five_become_three() -> None:
    stack = draw(ROUND, PLAIN, SHAPE, 5, np.random.default_rng(1))
    one = three_planes(stack.planes[2])
    assert (one.pixels == stack.planes[2]).all()
    assert one.pixels.shape == (3, *SHAPE)
    assert len(set(three_planes(stack.planes).chosen)) == 3
    with pytest.raises(InputError, match="axes YX or ZYX"):
        three_planes(np.zeros((2, 3, 20, 20)))


def test_a_spheroid_is_found_whole_and_the_square_holds_it_and_its_debris() -> None:
    rng = np.random.default_rng(2)
    for _ in range(12):
        young = seeded(rng)
        stack = draw(grown(young, rng.uniform(), rng), draw_plate(rng), SHAPE, 1, rng)
        found = find_spheroid(stack.planes[0])
        union = (found.spheroid | stack.mask).sum()
        assert (found.spheroid & stack.mask).sum() / union > 0.8
        top, left = square(found, 80)
        kept = stack.mask[top : top + 80, left : left + 80].sum()
        assert kept == stack.mask.sum()


def test_the_square_holds_as_much_of_the_spheroid_as_it_can_and_stays_inside_the_image() -> None:
    def corner(rows: slice, columns: slice, side: int, speck: tuple[int, int] | None = None) -> tuple[int, int]:
        spheroid, debris = np.zeros((50, 60), bool), np.zeros((50, 60), bool)
        spheroid[rows, columns] = True
        if speck:
            debris[speck] = True
        return square(Found(spheroid, debris, np.ones((50, 60)), 10.0), side)

    assert corner(slice(0, 10), slice(0, 10), 30) == (0, 0)
    assert corner(slice(40, 50), slice(50, 60), 30) == (20, 30)
    assert corner(slice(20, 30), slice(20, 30), 30) == (10, 10)
    assert corner(slice(20, 30), slice(30, 58), 30, speck=(25, 2))[1] in (28, 29, 30)  # debris may be lost, not it
    assert corner(slice(20, 30), slice(20, 30), 56) == (-3, 0)


def test_features_follow_what_the_phantom_was_drawn_from() -> None:
    rng = np.random.default_rng(3)
    varied = {
        "radius": ("diameter", (0.12, 0.3)),
        "roughness": ("roughness", (0.005, 0.12)),
        "core": ("dark_core", (0.15, 0.6)),
    }
    varied["debris"] = ("debris_area", (0, 36))
    for name, (feature, (low, high)) in varied.items():
        drawn = np.linspace(low, high, 8)
        measured = []
        for value in drawn:
            spheroid = replace(ROUND, **{name: int(value) if name == "debris" else float(value)})
            found = find_spheroid(draw(spheroid, PLAIN, SHAPE, 1, rng).planes[0])
            measured.append(spheroid_features(found, 96)[feature])
        assert spearman(measured, drawn) > 0.85, feature
        if name == "radius":
            assert measured == pytest.approx(2 * drawn, rel=0.12)


def test_what_is_unfit_is_flagged() -> None:
    rng, settings = np.random.default_rng(4), SpheroidSettings()

    def flags(pixels: np.ndarray) -> list[str]:
        found = find_spheroid(pixels)
        return flags_of(found, pixels, square(found, 96), 96, settings)

    good = draw(ROUND, PLAIN, SHAPE, 1, rng).planes[0]
    assert flags(good) == []
    empty = draw(replace(ROUND, density=0, core_density=0, rim=0, debris=0), PLAIN, SHAPE, 1, rng).planes[0]
    assert flags(empty) == ["empty"]
    assert "cut" in flags(draw(replace(ROUND, y=0.42), PLAIN, SHAPE, 1, rng).planes[0])
    long = good[::1].copy()
    long[:] = np.median(good)
    long[44:54, 20:90] = 6000
    assert flags(long) == ["elongated"]
    burnt = good.copy()
    burnt[:, :40] = 65535
    assert "artefact" in flags(burnt)


def test_wells_have_one_name_and_edges_are_known() -> None:
    assert [well_name(text) for text in ("b3", "B03", "H12")] == ["B03", "B03", "H12"]
    assert at_edge(["A05", "B02", "C12"]) == [True, False, True]
    assert at_edge(["B02", "P24"]) == [False, True]
    with pytest.raises(InputError, match="'Z9' is no well"):
        well_name("Z9")


def test_days_are_paired_by_well_and_what_lacks_one_is_told() -> None:
    places = [("P", "B02"), ("P", "B02"), ("P", "B03"), ("P", "B04"), ("P", "B02")]
    before, notes = pairs(places, ["7", "10", "10", "7", "7"], ["a", "b", "c", "d", "e"])
    assert before == [-1, 0, -1, -1, -1]
    assert "1 well has several images of one day: a, e; all are kept" in notes[0]
    assert notes[1] == "1 image of day 10 has none of day 7: c."
    assert notes[2] == "1 image of day 7 has none of day 10: d."
    assert pairs([("", "")] * 2, ["", ""], ["a", "b"]) == ([-1, -1], [])  # nothing is known of wells


def test_a_combination_has_a_concentration_for_each_drug(tmp_path: Path) -> None:
    table = tmp_path / "layout.csv"
    table.write_text("well,treatment,concentration\nB2,a + b,1 + 0.5\nB3,a,2\n")
    assert read_layout(table)["", "B02"] == {"treatment": "a + b", "concentration": "1 + 0.5"}
    table.write_text("well,treatment,concentration\nB2,a + b,1\n")
    with pytest.raises(InputError, match=r"row 2: 2 drugs .* and 1 concentration"):
        read_layout(table)
    table.write_text("\ufeffplate;well;treatment;concentration\r\n01;B2;a;0,5\r\n", encoding="utf-8")  # Excel in Europe
    assert read_layout(table) == {("01", "B02"): {"treatment": "a", "concentration": "0.5"}}
    table.write_text("well,treatment\nB2,a\nB02,b\n")
    with pytest.raises(InputError, match="row 3: the well B02 has a row already"):
        read_layout(table)


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plates") / "p"
    settings = PlateSettings(plates=1, doses=(0.3, 3), wells=2, controls=3, size=(80, 96), seed=5)
    return phantom_plates(folder, settings)


def test_phantom_plates_have_the_truth_of_every_image_and_the_same_seed_draws_them_again(
    plates: Path, tmp_path: Path
) -> None:
    with open(plates / "truth.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 20
    assert {int(row["planes"]) for row in rows} <= {1, 3, 5}
    by_dose = {row["concentration"]: float(row["effect"]) for row in rows if row["treatment"] == "drug A"}
    assert by_dose["0.3"] == pytest.approx(0.3**1.5 / (1 + 0.3**1.5))
    aged = [float(r["core"]) for r in rows if r["label"] == "untreated" and r["day"] == "10"]
    young = [float(r["core"]) for r in rows if r["label"] == "untreated" and r["day"] == "7"]
    assert min(aged) > max(young)  # the core grows without a drug, too
    again = phantom_plates(
        tmp_path / "again", PlateSettings(plates=1, doses=(0.3, 3), wells=2, controls=3, size=(80, 96), seed=5)
    )
    assert (again / "truth.csv").read_bytes() == (plates / "truth.csv").read_bytes()
    both = (open_image(folder / rows[0]["image"]).read() for folder in (again, plates))
    np.testing.assert_array_equal(*both)
    with pytest.raises(InputError, match="96 wells, not 145"):
        phantom_plates(tmp_path / "x", PlateSettings(drugs=2, wells=12, controls=12, exploded=1))


def test_a_folder_of_plates_becomes_squares_features_and_pairs(plates: Path, tmp_path: Path) -> None:
    out = tmp_path / "prepared"
    command = ["samples", "spheroids", str(plates), "--pattern", IMAGE_PATTERN, "--layout", str(plates / "layout.csv")]
    assert main([*command, "--out", str(out), "--set", "size=32"]) == 0
    with open(out / "sheet.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert {"plate", "well", "day", "treatment", "label", "edge", "before", *FEATURES} <= set(rows[0])
    late = [row for row in rows if row["day"] == "10"]
    assert all(row["before"] == row["image"].replace("day10", "day7") for row in late)
    assert float(late[0]["change_area"]) == pytest.approx(
        float(late[0]["area"]) - next(float(r["area"]) for r in rows if r["image"] == late[0]["before"]), abs=1e-5
    )
    image = open_image(out / rows[0]["image"])
    assert (image.shape, image.dtype) == ((3, 32, 32), np.uint16)
    vectors = read_embedding(out / "features.h5ad")
    assert vectors.latent.shape == (len(rows), len(FEATURES))
    assert (out / "stages.png").stat().st_size > 10_000


def test_what_is_wrong_with_a_plate_is_told_and_nothing_is_lost(plates: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plate"
    folder.mkdir()
    rng = np.random.default_rng(6)
    for i, well in enumerate(("B02", "B03", "B04", "B05", "B06", "B07")):
        for day in (7, 10):
            pixels = draw(ROUND, PLAIN, (64, 64), 1, rng).planes[0]
            if (i, day) == (1, 7):
                continue
            if i == 2:
                pixels = (pixels >> 8).astype(np.uint8)
            if (i, day) == (3, 10):
                pixels = np.full_like(pixels, 30000) + rng.integers(0, 400, pixels.shape).astype(np.uint16)
            write_image_tiff(pixels, folder / f"{well}_d{day}.tif")
    (tmp_path / "layout.csv").write_text("well,label\nB02,a\nB03,a\nB04,a\nB05,a\nB06,a\n")
    (tmp_path / "days.csv").write_text("well,label,day\nB02,a,3\n")
    with pytest.raises(InputError, match="has a column 'day', which the images have of their own"):
        prepare_spheroids(folder, tmp_path / "out", pattern="{well}_d{day:d}.tif", layout=tmp_path / "days.csv")
    found = prepare_spheroids(
        folder,
        tmp_path / "out",
        SpheroidSettings(size=16),
        pattern="{well}_d{day:d}.tif",
        layout=tmp_path / "layout.csv",
    )
    said = " ".join(found.notes)
    assert "2 images are not uint16 as the others: B04_d7.tif, B04_d10.tif;" in said
    assert "1 image of day 10 has none of day 7: B03_d10.tif." in said
    assert "1 image of day 7 has none of day 10: B05_d7.tif." in said
    assert "2 images lie in wells that" in said
    assert "does not list (B07), and" in said
    assert "1 of 11 images was left out (empty 1)" in said
    with open(tmp_path / "out" / "rejected.csv") as stream:
        assert [row["image"] for row in csv.DictReader(stream)] == ["B05_d10.tif"]
    assert len(found) == 10


def test_images_of_one_file_are_all_made_ready(tmp_path: Path) -> None:
    """Two positions of an OME-TIFF: a smaller spheroid, and one of twice its radius."""
    rng = np.random.default_rng(7)
    with tifffile.TiffWriter(tmp_path / "two.ome.tif") as file:
        for radius in (0.1, 0.2):
            stack = draw(replace(ROUND, radius=radius, debris=0), PLAIN, (96, 96), 1, rng)
            file.write(stack.planes[0], metadata={"axes": "YX"})
    found = prepare_spheroids(tmp_path, tmp_path / "out", SpheroidSettings(size=24))
    small, large = map(float, found.column("area"))
    assert large > 2.5 * small


@pytest.mark.data
def test_real_spheroids_lie_whole_in_the_square(data_folder: Path) -> None:
    folder = data_folder / "spheroids_brightfield"
    checked = 0
    for file in sorted((folder / "spheroids").glob("*.tif")):
        found = find_spheroid(open_image(file).read())
        assert 0.01 < found.spheroid.mean() < 0.15
        scribble = folder / "scribbles" / f"Annotation of {file.name}"
        if scribble.exists():
            spheroid = open_image(scribble).read() == 2
            side = 700
            top, left = square(found, side)
            assert spheroid[top : top + side, left : left + side].sum() >= 0.99 * spheroid.sum()
            assert (found.spheroid & (open_image(scribble).read() == 1)).sum() == 0
            checked += 1
    assert checked == 3


@pytest.mark.data
def test_bright_spheroids_of_another_set_lie_whole_in_the_square_too(data_folder: Path) -> None:
    folder = data_folder / "spheroid_invasion"
    files = sorted(folder.glob("3D_*_masks/*.tif"))
    for mask_file in files[::4]:
        name = mask_file.name.replace("cBW", "CH1_8bit").removesuffix(".tif")
        image = next((folder / mask_file.parent.name.removesuffix("_masks")).glob(f"{name}*.tif"))
        pixels, mask = open_image(image).read(), open_image(mask_file).read() > 0
        found = find_spheroid(pixels, bright=True)
        side = max(pixels.shape)  # the largest is wider than the image is high
        top, left = square(found, side)
        assert (top, left) == (-240, 0)
        side = min(pixels.shape)
        top, left = square(found, side)
        assert mask[:, left : left + side].sum() >= 0.995 * mask.sum()


def test_days_that_are_dates_are_paired_in_the_order_of_time() -> None:
    places = [("P1", "A01")] * 2
    assert pairs(places, ["28.10.2026", "03.11.2026"], ["a", "b"])[0] == [-1, 0]
    assert pairs(places, ["d10", "7"], ["a", "b"])[0] == [1, -1]
    with pytest.raises(InputError, match="'03/04/2026', which may be"):
        pairs(places, ["03/04/2026", "03/05/2026"], ["a", "b"])
