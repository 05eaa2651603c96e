"""Label images: the objects of an image as whole numbers."""

from pathlib import Path
from typing import Any

from coverslip.core import Kind


def _recognise(result: Any) -> bool:
    import numpy as np

    from coverslip.core.results import LabelMap
    from coverslip.io.images.opening import is_image_name

    if isinstance(result, Path):
        return result.is_dir() or (
            result.exists() and (is_image_name(result) or result.suffix.lower() in (".csv", ".tsv", ".txt"))
        )
    return isinstance(result, LabelMap | np.ndarray | list | tuple) or hasattr(result, "labels")


KIND = Kind(
    name="labels",
    sentence="Objects of an image as whole numbers, at most one for each pixel; opens in Fiji and napari.",
    given="labels",
    endings=("", ".labels.tif", ".zarr"),
    home=__name__,
    heeds=("devices", "dask", "max_ram"),
    recognise=_recognise,
    verbs={
        "open": ".folder:read_label_folder",
        "predict": ".prediction:predict",
        "write": ".prediction:predict_to_file",
        "evaluate": ".evaluation:evaluate",
        "measure": ".measuring:measure",
        "measure_to_file": ".measuring:measure_to_file",
        "describe": ".describing:describe",
        "refine": ".refining:refine",
        "correct": ".correcting:correct",
        "report": ".report:write_report",
        "layers": ".layers:layers",
        "export": ".export:export",
        "score": ".score:score",
        "segment": ".prediction:segment",
    },
)
