"""The interactive scatter plot of the page: pan, zoom, lasso; everything else is the page's own."""

from __future__ import annotations

from typing import Any

_WEBGL_FROM = 4000
"""More points than this are drawn by the graphics card; below, the plain canvas looks crisper."""


def uses_webgl(count: int) -> bool:
    """Whether a plot of so many points is drawn with WebGL (Bokeh falls back to the canvas where there is none)."""
    return count > _WEBGL_FROM


def scatter_item(count: int) -> Any:
    """The plot as Bokeh's JSON, without points: the page's script fills the source named ``cells``.

    No text goes into the plot, so nothing in a sheet can reach Bokeh's template or formula rendering.
    """
    from bokeh.embed import json_item
    from bokeh.models import (
        BoxSelectTool,
        ColumnDataSource,
        CustomJS,
        HoverTool,
        LassoSelectTool,
        PanTool,
        ResetTool,
        SaveTool,
        Scatter,
        TapTool,
        WheelZoomTool,
    )
    from bokeh.plotting import figure

    # One point, which the script replaces: Bokeh warns of a plot without any.
    cells = ColumnDataSource({"x": [0], "y": [0], "colour": ["#ffffff"]}, name="cells")
    mark = ColumnDataSource({"x": [], "y": []}, name="mark")
    # Of many, those within are found when the button is let go: each step of the pointer would draw all points anew.
    at_once = not uses_webgl(count)
    lasso = LassoSelectTool(description="Lasso: draw around cells (shift adds)", continuous=at_once)
    plot = figure(
        name="plot",
        sizing_mode="stretch_both",
        match_aspect=True,
        toolbar_location="above",
        output_backend="webgl" if uses_webgl(count) else "canvas",
        background_fill_color="#ffffff",
        border_fill_color=None,  # what is painted there once shows at the edge when the page turns dark
        outline_line_color=None,
        min_border=6,
        tools=[
            lasso,
            BoxSelectTool(description="Box: drag over cells (shift adds)", continuous=at_once),
            TapTool(),
            PanTool(description="Move the map"),
            # With Ctrl (or a pinch), so that the page still scrolls when the pointer comes to lie on the map.
            WheelZoomTool(modifiers="ctrl", description="Zoom: Ctrl and wheel, or pinch"),
            ResetTool(description="Show the whole map"),
            SaveTool(description="Save the map as a picture"),
        ],
        active_drag=lasso,
    )
    plot.toolbar.logo = None
    plot.axis.visible = False
    plot.grid.grid_line_color = "#eef1f4"
    size = 7.5 if count <= 600 else 6 if count <= 2500 else 4.5 if count <= 10_000 else 3.5
    style: dict[str, Any] = {"fill_color": "colour", "line_color": None, "size": size}
    dots = plot.add_glyph(
        cells,
        Scatter(x="x", y="y", fill_alpha=0.85, **style),
        selection_glyph=Scatter(x="x", y="y", fill_alpha=1, **style),
        nonselection_glyph=Scatter(x="x", y="y", fill_alpha=0.14, **style),
    )
    # The map is fitted to the cells alone: the ring around one of them must not move it.
    plot.x_range.renderers = plot.y_range.renderers = [dots]
    ring = Scatter(x="x", y="y", size=size + 9, fill_color=None, line_color="#1d2733", line_width=2)
    # On the layer above, so that a pointer that moves draws the ring anew and not every point.
    plot.add_glyph(mark, ring, selection_glyph=ring, nonselection_glyph=ring, level="overlay")
    plot.add_tools(
        HoverTool(
            renderers=[dots],
            tooltips=None,
            visible=False,
            callback=CustomJS(code="window.coverslip.pointed(cb_data)"),
        )
    )
    cells.selected.js_on_change("indices", CustomJS(code="window.coverslip.selected()"))
    return json_item(plot)


def bokeh_script(count: int) -> str:
    """Bokeh's own code, to be put into the page: nothing is fetched."""
    from bokeh.resources import Resources

    parts = ["bokeh", "bokeh-gl"] if uses_webgl(count) else ["bokeh"]
    resources = Resources(mode="inline", minified=True)
    resources.components = parts
    return "\n".join(resources.js_raw)
