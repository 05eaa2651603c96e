"""Decompositions: an image as the sum of a background and generated objects, which may overlap."""

from pathlib import Path
from typing import Any

from coverslip.core import Kind


def _recognise(result: Any) -> bool:
    from coverslip.core.decomposition import Decomposition
    from coverslip.results.decomposition.folder import holds_decompositions, names_layers
    from coverslip.results.labels.folder import LabelFolder

    if isinstance(result, Path):
        return names_layers(result)
    return isinstance(result, Decomposition) or (isinstance(result, LabelFolder) and holds_decompositions(result))


KIND = Kind(
    name="decomposition",
    sentence="Whole objects that may overlap, their grey values, the background, and what is left of the image.",
    given="decompositions",
    endings=("",),
    home=__name__,
    heeds=("devices", "dask", "max_ram"),
    recognise=_recognise,
    refines="labels",
    verbs={
        "open": ".folder:read_label_folder",
        "predict": ".prediction:predict",
        "write": ".prediction:predict_to_file",
        "evaluate": ".evaluation:evaluate",
        "measure": "..labels.measuring:measure",
        "measure_to_file": "..labels.measuring:measure_to_file",
        "report": ".report:write_report",
        "layers": ".layers:layers",
        "export": ".export:export",
        "score": "..labels.score:score",
        "segment": ".prediction:segment",
    },
)
