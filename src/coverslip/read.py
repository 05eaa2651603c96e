"""Files read and written, whatever they hold: the names of `coverslip.io`, of models and of each kind of result."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    "coverslip",
    submod_attrs={
        "io": [
            "IMAGE_SUFFIXES",
            "Outline",
            "atomic_folder",
            "atomic_path",
            "labels_path",
            "list_images",
            "Slide",
            "open_image",
            "open_slide",
            "read_labels",
            "read_table",
            "read_tensors",
            "trace_outlines",
            "write_geojson",
            "write_image_tiff",
            "write_image_zarr",
            "write_labels",
            "write_rois",
            "write_table",
            "write_tensors",
            "write_zarr_labels",
        ],
        "models.folder": ["Model", "load_model"],
        "io.h5ad": ["read_embedding", "write_embedding"],
        "results.labels.folder": ["LabelFolder", "read_label_folder"],
        "results.labels.writer": ["write_label_file", "write_label_folder"],
        "results.decomposition.folder": ["read_decomposition"],
        "results.slide_store.store": ["SlideStore", "open_store"],
        "results.ranking.folder": ["read_ranking", "write_ranking"],
        "results.decomposition.writer": ["write_decomposition_folder"],
    },
)
