"""Detections: the objects of images as boxes or outlines with a class each."""

from pathlib import Path
from typing import Any

from coverslip.core import Kind


def _recognise(result: Any) -> bool:
    from coverslip.core.detections import Detections

    if isinstance(result, Path):
        return result.is_dir() and (result / "detections.parquet").is_file()
    some = result if isinstance(result, list | tuple) else [result]
    return (bool(some) and all(isinstance(one, Detections) for one in some)) or hasattr(result, "detections")


KIND = Kind(
    name="detections",
    sentence="Objects of an image as boxes or outlines with a class each, and the regions that they lie in.",
    given="detections",
    endings=("",),
    home=__name__,
    heeds=("devices", "dask", "max_ram"),
    recognise=_recognise,
    verbs={
        "open": ".folder:read_detections",
        "predict": ".prediction:predict",
        "write": ".prediction:predict_to_file",
        "evaluate": ".evaluation:evaluate",
        "report": ".report:write_report",
        "export": ".export:export",
        "score": ".score:score",
        "segment": ".masks:segment",
        "to_file": ".folder:write_value",
    },
)
