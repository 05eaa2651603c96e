"""File to image, result to file: the only room that touches the formats.

Every name below is loaded on first use, so that importing this package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coverslip.read.atomic import atomic_folder, atomic_path
    from coverslip.read.decomposition_writer import write_decomposition_folder
    from coverslip.read.decompositions import read_decomposition
    from coverslip.read.geojson import write_geojson
    from coverslip.read.images import IMAGE_SUFFIXES, list_images, open_image
    from coverslip.read.label_folder import LabelFolder, read_label_folder
    from coverslip.read.label_writer import write_label_file, write_label_folder
    from coverslip.read.labels import labels_path, read_labels, write_labels
    from coverslip.read.models import Model, load_model
    from coverslip.read.outlines import Outline, trace_outlines
    from coverslip.read.results import read_embedding, write_embedding
    from coverslip.read.rois import write_rois
    from coverslip.read.tables import read_table, write_table
    from coverslip.read.tensors import read_tensors, write_tensors
    from coverslip.read.tiff_writer import write_image_tiff
    from coverslip.read.zarr_writer import write_image_zarr, write_zarr_labels

_EXPORTS = {
    "IMAGE_SUFFIXES": "images",
    "list_images": "images",
    "open_image": "images",
    "atomic_folder": "atomic",
    "atomic_path": "atomic",
    "labels_path": "labels",
    "read_labels": "labels",
    "write_labels": "labels",
    "read_decomposition": "decompositions",
    "write_decomposition_folder": "decomposition_writer",
    "write_geojson": "geojson",
    "write_rois": "rois",
    "LabelFolder": "label_folder",
    "read_label_folder": "label_folder",
    "write_label_file": "label_writer",
    "write_label_folder": "label_writer",
    "Outline": "outlines",
    "trace_outlines": "outlines",
    "Model": "models",
    "load_model": "models",
    "read_embedding": "results",
    "write_embedding": "results",
    "read_table": "tables",
    "write_table": "tables",
    "read_tensors": "tensors",
    "write_tensors": "tensors",
    "write_image_tiff": "tiff_writer",
    "write_image_zarr": "zarr_writer",
    "write_zarr_labels": "zarr_writer",
}

__all__ = [
    "IMAGE_SUFFIXES",
    "LabelFolder",
    "Model",
    "Outline",
    "atomic_folder",
    "atomic_path",
    "labels_path",
    "list_images",
    "load_model",
    "open_image",
    "read_decomposition",
    "read_embedding",
    "read_label_folder",
    "read_labels",
    "read_table",
    "read_tensors",
    "trace_outlines",
    "write_decomposition_folder",
    "write_embedding",
    "write_geojson",
    "write_image_tiff",
    "write_image_zarr",
    "write_label_file",
    "write_label_folder",
    "write_labels",
    "write_rois",
    "write_table",
    "write_tensors",
    "write_zarr_labels",
]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
