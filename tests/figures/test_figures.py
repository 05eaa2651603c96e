"""Figures say what the arrays say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from coverslip import figures
from coverslip.core.errors import InputError
from coverslip.core.illustration import Illustration
from coverslip.core.samples import ArraySamples
from coverslip.figures.classes import dots_figure
from coverslip.figures.colours import CATEGORIES, MISSING, OTHER
from coverslip.figures.document import save_figures
from coverslip.figures.illustrations import drawn
from coverslip.figures.pictures import grid_places, heat_overlays, montage
from coverslip.figures.representations import maps_beside
from coverslip.figures.style import short
from coverslip.figures.thumbnails import fit_display


def texts(figure: Figure, panel: int = 0) -> list[str]:
    legend = figure.axes[panel].get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def history(last: float, epochs: int = 6) -> list[dict[str, float]]:
    rows = []
    for epoch in range(epochs):
        loss = last + 100.0 * (epochs - 1 - epoch)
        rows.append({"epoch": epoch, "loss": loss, "kl": 1.0 + epoch, "val_loss": loss + 5})
    return rows


class TestLossCurves:
    def test_the_legend_lists_the_last_values_in_descending_order(self) -> None:
        figure = figures.loss_curves({"a": history(1), "b": history(30), "c": history(2)})
        assert texts(figure)[:3] == ["b  35.00", "c  7.00", "a  6.00"]

    def test_curves_begin_at_the_first_epoch_asked_for(self) -> None:
        figure = figures.loss_curves({"a": history(1)}, keys=["loss"], first_epoch=3)
        assert [line.get_xdata().tolist() for line in figure.axes[0].get_lines()] == [[3, 4, 5], [3, 4, 5]]

    def test_validation_is_dashed_and_training_is_not(self) -> None:
        training, validation = figures.loss_curves({"a": history(1)}, keys=["loss"]).axes[0].get_lines()
        assert (training.is_dashed(), validation.is_dashed()) == (False, True)
        np.testing.assert_allclose(validation.get_ydata() - training.get_ydata(), 5)

    def test_columns_draw_what_rows_draw(self) -> None:
        rows = history(4)
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        drawn = [
            figures.loss_curves({"a": table}, keys=["kl"]).axes[0].get_lines()[0].get_xydata()
            for table in (rows, columns)
        ]
        np.testing.assert_array_equal(*drawn)

    def test_losses_that_no_history_has_get_no_panel(self) -> None:
        figure = figures.loss_curves({"a": history(1)}, keys=["loss", "reconstruction", "kl"])
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["Total loss", "KL divergence"]

    def test_every_loss_has_a_panel_whatever_the_method_calls_it(self) -> None:
        row = {"epoch": 1, "train_loss": 3.0, "contrast": 2.0, "val_loss": 4.0, "learning_rate": 0.1, "seconds": 9}
        figure = figures.loss_curves({"a": [row, row]})
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["Total loss", "Contrast"]
        assert [len(axes.get_lines()) for axes in figure.axes] == [2, 1]

    def test_many_losses_stand_in_rows_of_three(self) -> None:
        row = {"epoch": 1, **{f"loss {i}": float(i) for i in range(8)}}
        places = [axes.get_subplotspec() for axes in figures.loss_curves({"a": [row, row]}).axes]
        assert [(place.rowspan.start, place.colspan.start) for place in places] == [divmod(i, 3) for i in range(8)]

    def test_validation_every_few_epochs_is_drawn_through_its_gaps(self) -> None:
        rows = history(1)
        for row in rows[::2]:
            del row["val_loss"]
        line = figures.loss_curves({"a": rows}, keys=["loss"]).axes[0].get_lines()[1]
        assert line.get_xdata().tolist() == [1, 3, 5]

    @pytest.mark.parametrize(
        ("options", "message"),
        [({"keys": ["mmd"]}, "they have: epoch, kl, loss, val_loss"), ({"first_epoch": 99}, "epoch 99")],
    )
    def test_nothing_to_draw_is_said(self, options: dict, message: str) -> None:
        with pytest.raises(InputError, match=message):
            figures.loss_curves({"a": history(1)}, **options)


class TestRepresentations:
    def test_each_representation_has_a_map_in_the_colours_of_the_groups(self) -> None:
        maps = {name: np.random.default_rng(i).normal(size=(20, 2)) for i, name in enumerate("abcde")}
        figure = maps_beside(maps, np.repeat(["G1", "S"], 10), "phase")
        assert [axes.get_title(loc="left") for axes in figure.axes] == list("abcde")
        for axes, xy in zip(figure.axes, maps.values(), strict=True):
            (points,) = axes.collections
            colours = dict(zip(map(tuple, np.asarray(points.get_offsets())), points.get_facecolors(), strict=True))
            assert [to_hex(colours[tuple(place)]) for place in xy] == [CATEGORIES[0]] * 10 + [CATEGORIES[1]] * 10
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["G1", "S"]

    def test_ids_and_numbers_colour_no_map(self) -> None:
        for values in (np.arange(20.0), np.array([f"cell {i}" for i in range(20)])):
            assert not maps_beside({"a": np.zeros((20, 2))}, values, "id").legends

    def test_each_measure_has_a_panel_and_what_was_not_measured_no_dot(self) -> None:
        rows = {"vae": {"ARI": (0.5, 0.4, 0.6), "ACC": (0.7, 0.6, 0.9)}, "raw": {"ACC": (0.2, 0.1, 0.3)}}
        figure = dots_figure(rows)
        drawn = [[list(line.get_xdata()) for line in axes.get_lines()] for axes in figure.axes]
        assert drawn == [[[0.4, 0.6], [0.5]], [[0.6, 0.9], [0.7], [0.1, 0.3], [0.2]]]
        assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["vae", "raw"]
        many = dots_figure({"vae": {f"measure {i}": (0.5, 0.4, 0.6) for i in range(6)}})
        assert [axes.get_subplotspec().rowspan.start for axes in many.axes] == [0, 0, 0, 0, 1, 1]


class TestPictures:
    def test_inputs_and_outputs_share_one_display_range(self) -> None:
        inputs = np.linspace(0, 100, 2 * 2 * 8 * 8).reshape(2, 2, 8, 8)
        figure = figures.reconstruction_grid(inputs, inputs / 2, ["a", "b"])
        for axes in figure.axes:
            sheet = axes.images[0].get_array()
            height = (sheet.shape[0] - 1) // 2
            above, below = sheet[:height, -8:], sheet[height + 1 :, -8:]
            assert above.max() == pytest.approx(1)
            assert below.max() <= 0.52

    def test_every_channel_has_a_panel_and_colour_has_one(self, nuclei: np.ndarray) -> None:
        assert len(figures.reconstruction_grid(nuclei, nuclei).axes) == 1
        assert len(figures.reconstruction_grid(nuclei, nuclei, rgb=False).axes) == 3

    def test_reconstructions_of_another_shape_are_refused(self) -> None:
        with pytest.raises(InputError, match="not of one shape"):
            figures.reconstruction_grid(np.ones((2, 1, 8, 8)), np.ones((2, 1, 8, 9)))

    def test_traversals_have_a_row_per_latent_and_a_column_per_value(self) -> None:
        images = np.random.default_rng(0).random((3, 5, 2, 8, 8))
        figure = figures.traversals(images, np.linspace(-2, 2, 5))
        assert figure.axes[0].images[0].get_array().shape == (3 * 8 + 2, 5 * 8 + 4, 3)
        written = [text.get_text() for text in figure.axes[0].texts]
        assert written == ["z0", "z1", "z2", "\u22122", "\u22121", "0", "1", "2"]

    def test_long_names_leave_room_for_the_pictures(self) -> None:
        images = np.random.default_rng(0).random((2, 3, 1, 8, 8))
        figure = figures.traversals(images, [0, 1, 2], names=["Annotation of MLS11 spheroids_B064E58A.tif", "a.tif"])
        assert [text.get_text() for text in figure.axes[0].texts][:2] == ["…pheroids_B064E58A.tif", "a.tif"]
        assert figure.axes[0].get_position().width > 0.5

    def test_traversals_are_shown_as_the_real_images_are(self, nuclei: np.ndarray) -> None:
        decoded = nuclei[:6].reshape(2, 3, 3, 32, 32).astype(np.float32)
        sheet = figures.traversals(decoded, [-1, 0, 1], display=fit_display(nuclei)).axes[0].images[0].get_array()
        np.testing.assert_allclose(sheet[:32, :32], np.moveaxis(nuclei[0], 0, -1) / 255, atol=1e-6)

    def test_a_map_of_thumbnails_shows_each_picture_whole(self, nuclei: np.ndarray) -> None:
        pictures = np.moveaxis(nuclei, 1, -1)[:4]
        corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=float)
        sheet = figures.thumbnail_map(corners, pictures, across=2).axes[0].images[0].get_array()
        np.testing.assert_array_equal(sheet[:32, :32], pictures[2])
        np.testing.assert_array_equal(sheet[-32:, -32:], pictures[1])

    @settings(max_examples=50)
    @given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 99))
    def test_no_two_thumbnails_share_a_place(self, count: int, across: int, seed: int) -> None:
        xy = np.random.default_rng(seed).normal(size=(count, 2))
        shown, rows, columns, (height, width) = grid_places(xy, across)
        assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == len(shown) == len(set(shown.tolist()))
        assert max(height, width) <= across
        assert rows.min() >= 0
        assert rows.max() < height
        assert columns.max() < width

    def test_outlines_leave_the_rest_of_the_image_as_it_is(self, nuclei: np.ndarray) -> None:
        labels = np.zeros((32, 32), dtype=int)
        labels[8:20, 8:20] = 1
        figure = figures.outlines(nuclei[0], labels, colour="#00ff00")
        picture = figure.axes[0].images[0].get_array()
        np.testing.assert_allclose(picture[:14, :14][::2, ::2], np.moveaxis(nuclei[0], 0, -1)[:7, :7] / 255, atol=1e-6)
        assert to_hex(picture[16, 24]) == "#00ff00"
        assert figure.axes[0].get_title(loc="left") == "1 object"

    def test_groups_of_objects_have_a_colour_each_and_a_legend(self, nuclei: np.ndarray) -> None:
        labels = np.zeros((32, 32), dtype=int)
        labels[2:8, 2:8], labels[2:8, 20:28], labels[20:28, 2:8] = 1, 2, 3
        groups = {"a": np.array([1]), "b": np.array([2])}
        picture = figures.outlines(nuclei[0], labels, groups=groups).axes[0].images[0].get_array()
        assert [to_hex(picture[4, column]) for column in (8, 48)] == list(CATEGORIES[:2])
        np.testing.assert_allclose(picture[38:58:2, 2:18:2], np.moveaxis(nuclei[0], 0, -1)[19:29, 1:9] / 255, atol=1e-6)

    def test_a_montage_keeps_every_picture(self) -> None:
        pictures = np.arange(2 * 3 * 4 * 5 * 3, dtype=float).reshape(2, 3, 4, 5, 3)
        sheet = montage(pictures, gap=2)
        assert sheet.shape == (10, 19, 3)
        np.testing.assert_array_equal(sheet[6:, 7:12], pictures[1, 1])


class TestLatents:
    xy = np.random.default_rng(0).normal(size=(40, 2))

    def test_categories_have_counts_in_the_legend(self) -> None:
        labels = ["G1"] * 25 + ["M"] * 10 + [None] * 5
        figure = figures.latent_map(self.xy, labels, name="phase")
        assert texts(figure) == ["G1  (25)", "M  (10)", "missing  (5)"]
        drawn = [to_hex(colour) for colour in figure.axes[0].collections[0].get_facecolors()]
        assert [drawn.count(c) for c in (CATEGORIES[0], CATEGORIES[1], MISSING)] == [25, 10, 5]

    def test_many_categories_end_with_the_others(self) -> None:
        labels = [f"c{i % 42}" for i in range(120)]
        assert texts(figures.latent_map(np.tile(self.xy, (3, 1)), labels))[-1] == "2 others  (4)"

    def test_numbers_have_a_colour_bar_over_most_of_them(self) -> None:
        values = np.r_[np.linspace(0, 1, 39), 1000.0]
        figure = figures.latent_map(self.xy, values, name="area")
        low, high = figure.axes[0].collections[-1].get_clim()
        np.testing.assert_allclose([low, high], np.percentile(values, [1, 99]))
        assert figure.axes[1].get_ylabel() == "area"

    @pytest.mark.parametrize("label", ["$\\frac", "_hidden", "<b>", "a\nb", "{{7*7}}"])
    def test_labels_are_shown_as_they_are(self, label: str, tmp_path: Path) -> None:
        figure = figures.latent_map(self.xy, [label, "b"] * 20, title=label, name=label)
        assert f"{label}  (20)" in texts(figure)
        assert figures.save_figure(figure, tmp_path / "map.png").stat().st_size > 1000

    def test_ids_cannot_colour_a_map(self) -> None:
        with pytest.raises(InputError, match="its own"):
            figures.latent_map(self.xy, [f"cell {i}" for i in range(40)], name="image")

    def test_collapsed_dimensions_come_last_and_are_grey(self) -> None:
        kl, dead = np.array([0.001, 3.0, 5.0]), [True, False, False]
        figure = figures.kl_per_dimension(kl, empirical=np.array([0.2, 0.1, 0.3]), collapsed=dead)
        bars = figure.axes[0].patches[-3:]
        assert [bar.get_height() for bar in bars] == [5.0, 3.0, 0.001]
        assert to_hex(bars[-1].get_facecolor()) == OTHER
        assert [tick.get_text() for tick in figure.axes[1].get_xticklabels()] == ["z2", "z1", "z0"]
        assert figure.axes[1].get_xlabel() == "2 of 3 in use, on grey: collapsed"

    def test_only_what_is_said_to_be_collapsed_is(self) -> None:
        kl = np.array([2.0, 0.001])
        assert figures.kl_per_dimension(kl).axes[0].get_xlabel() == ""
        assert figures.kl_per_dimension(kl, collapsed=[False, False]).axes[0].get_xlabel() == "2 of 2 in use"
        assert "0 of 2 in use" in figures.kl_per_dimension(kl, collapsed=[True, True]).axes[0].get_xlabel()


class TestIllustrations:
    samples = ArraySamples(np.arange(3 * 2 * 8 * 8, dtype=np.uint16).reshape(3, 2, 8, 8))

    def draw(self, form: str, **content: object) -> Figure:
        return drawn(Illustration("A name", "A caption.", form, content), self.samples)  # type: ignore[arg-type]

    def test_latents_in_use_are_those_the_method_says(self) -> None:
        figure = self.draw("latents", kl=[3.0, 2.0], empirical=[0.1, 0.2], collapsed=np.array([True, False]))
        assert figure.axes[-1].get_xlabel() == "1 of 2 in use, on grey: collapsed"

    def test_series_are_rows_of_images_with_their_names(self) -> None:
        images = np.random.default_rng(0).random((2, 5, 2, 8, 8))
        names, like = ["z1 · 3 nats", "z0 · 1 nats"], images[0]
        figure = self.draw("series", images=images, values=np.linspace(-2, 2, 5), names=names, like=like)
        same = figures.traversals(images, np.linspace(-2, 2, 5), names=names, display=fit_display(like))
        assert [panel.get_ylabel() for panel in figure.axes] == [panel.get_ylabel() for panel in same.axes]
        written = [text.get_text() for panel in figure.axes for text in panel.texts]
        written += [panel.get_ylabel() for panel in figure.axes]
        assert set(names) <= set(written)

    def test_pairs_are_drawn_as_reconstructions(self) -> None:
        inputs = np.random.default_rng(0).random((4, 2, 8, 8))
        figure = self.draw("pairs", inputs=inputs, outputs=inputs / 2)
        same = figures.reconstruction_grid(inputs, inputs / 2)
        for panel, other in zip(figure.axes, same.axes, strict=True):
            for image, another in zip(panel.images, other.images, strict=True):
                np.testing.assert_array_equal(image.get_array(), another.get_array())
        assert sum(len(panel.images) for panel in figure.axes) > 0

    def test_what_a_map_says_glows_over_the_picture_and_the_rest_is_dimmed(self) -> None:
        pictures = np.full((2, 16, 16, 3), 120, np.uint8)
        maps = np.zeros((2, 4, 4), np.float32)
        maps[1, :, :2] = 1
        (panel,) = heat_overlays(pictures, maps).axes
        sheet = panel.images[0].get_array()
        assert sheet.shape == (34, 34, 3)
        above, dimmed = sheet[5, 5], sheet[-5, 5]
        np.testing.assert_allclose(above, 120 / 255)
        assert (dimmed < above).all()
        glowing = sheet[-5, -15]
        assert glowing[0] > above[0] > glowing[2]
        np.testing.assert_allclose(sheet[-5, -2], dimmed)

    def test_three_channels_of_bytes_named_after_colours_are_one_picture(self) -> None:
        pixels = np.random.default_rng(0).integers(0, 255, (4, 3, 8, 8), np.uint8)
        colours = ArraySamples(pixels, channels=("red", "green", "blue"))
        shown = Illustration("a", "b", "pairs", {"inputs": pixels / 255, "outputs": pixels / 255})
        assert len(drawn(shown, colours).axes) == 1
        assert len(drawn(shown, ArraySamples(pixels, channels=("DNA", "actin", "ER"))).axes) == 3


ROWS = [
    {"beta": beta, "latent": latent, "seed": seed, "kl": 10 * latent / beta + seed, "probe": 0.5}
    for beta in (1.0, 0.1, 4.0)
    for latent in (2, 10)
    for seed in (0, 1)
]


def test_figures_are_saved_under_their_captions_whatever_these_hold(tmp_path: Path) -> None:
    figure = dots_figure({"size": {"accuracy": (0.5, 0.4, 0.6)}})
    save_figures({"Most confused: G2/M called S": figure, "Größe": (figure, "a text"), "PNG": b"as it is"}, tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"most-confused-g2-m-called-s.png", "größe.png"}


def test_dots_lie_at_their_values_with_intervals_and_chance() -> None:
    rows = {"border": {"accuracy": (0.7, 0.6, 0.8)}, "size": {"accuracy": (0.5, 0.4, 0.6)}}
    (panel,) = dots_figure(rows, {"accuracy": 0.5}).axes
    chance, *drawn_lines = (line.get_xdata() for line in panel.get_lines())
    assert list(chance) == [0.5, 0.5]
    assert [list(x) for x in drawn_lines] == [[0.6, 0.8], [0.7], [0.4, 0.6], [0.5]]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["border", "size"]
    assert panel.get_ylim()[0] > panel.get_ylim()[1]  # the first stands at the top


class TestSweeps:
    def test_words_are_not_joined_by_a_line(self) -> None:
        rows = [{"recipe": name, "probe": value} for name, value in (("strong", 0.4), ("sweet", 0.6))]
        (line,) = figures.sweep_figure(rows, ["recipe"]).axes[0].get_lines()
        assert (line.get_linestyle(), line.get_ydata().tolist()) == ("None", [0.4, 0.6])

    def test_the_table_has_mean_and_range_of_the_fits_of_each_setting(self) -> None:
        table = figures.sweep_table(ROWS, ["beta", "latent"])
        assert [(row["beta"], row["latent"], row["fits"]) for row in table[:2]] == [(0.1, 2, 2), (0.1, 10, 2)]
        assert table[0]["kl"] == pytest.approx((200.5, 200, 201))
        assert list(table[0]) == ["beta", "latent", "fits", "kl", "probe"]

    def test_the_interval_of_a_single_fit_is_kept(self) -> None:
        row = {"beta": 1, "probe": 0.6, "probe_low": 0.5, "probe_high": 0.7}
        assert figures.sweep_table([row], ["beta"])[0]["probe"] == (0.6, 0.5, 0.7)

    def test_one_setting_is_a_line_on_a_scale_that_fits(self) -> None:
        axes = figures.sweep_figure([row for row in ROWS if row["latent"] == 2], ["beta"], ["kl"]).axes[0]
        assert axes.get_xscale() == "log"
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.1", "1", "4"]
        np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), [200.5, 20.5, 5.5])

    def test_two_settings_are_a_heat_map(self) -> None:
        axes = figures.sweep_figure(ROWS, ["beta", "latent"], ["kl"]).axes[0]
        np.testing.assert_allclose(axes.images[0].get_array(), [[200.5, 1000.5], [20.5, 100.5], [5.5, 25.5]])

    def test_words_can_be_swept_too(self) -> None:
        rows = [{"preset": name, "loss": i} for i, name in enumerate(("mp2", "bn2", "mp4"))]
        axes = figures.sweep_figure(rows, ["preset"]).axes[0]
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["bn2", "mp2", "mp4"]

    def test_a_row_that_lacks_a_setting_is_named(self) -> None:
        with pytest.raises(InputError, match="Row 2 of the sweep lacks 'beta'"):
            figures.sweep_table([{"beta": 1, "kl": 2}, {"kl": 2}], ["beta"])


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_figure_gives_the_same_file(ending: str, tmp_path: Path) -> None:
    def draw() -> Figure:
        return figures.kl_per_dimension(np.array([1.0, 2.0]))

    first = figures.save_figure(draw(), tmp_path / f"a.{ending}").read_bytes()
    second = figures.save_figure(draw(), tmp_path / f"b.{ending}").read_bytes()
    assert first == second
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{ending}", f"b.{ending}"]


def test_a_format_that_is_not_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one of these endings"):
        figures.save_figure(Figure(), tmp_path / "map.jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "map.png"
    target.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("coverslip.io.atomic.os.replace", fail)
    with pytest.raises((InputError, OSError), match="disk full"):
        figures.save_figure(Figure(), target)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("map.png", b"old")]


def test_drawing_leaves_the_callers_settings_and_pyplot_alone() -> None:
    import matplotlib as mpl
    from matplotlib import pyplot

    before = dict(mpl.rcParams)
    figures.kl_per_dimension(np.array([1.0, 2.0]))
    assert dict(mpl.rcParams) == before
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (5699.08, "5699"), (13.2, "13.20"), (-0.0312, "-0.031"), (1.2e-5, "1.2e-05")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text
