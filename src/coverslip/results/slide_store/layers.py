"""A slide store as a layer of napari."""

from __future__ import annotations

from coverslip.io.layers import Layer, picture_layer
from coverslip.results.slide_store.store import SlideStore


def layers(store: SlideStore) -> list[Layer]:
    """The pixels of a store; large ones at all resolutions, decoded where they are looked at."""
    layer = picture_layer([store.slide.levels[0]], [store.path.name.split(".cslip", 1)[0]])
    return [layer] if layer is not None else []
