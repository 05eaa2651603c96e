"""Slide stores: compressed slides that open as pixels at any window."""

from pathlib import Path
from typing import Any

from coverslip.core import Kind


def _recognise(result: Any) -> bool:
    return isinstance(result, Path) and result.name.lower().endswith(KIND.endings[0]) and result.is_dir()


KIND = Kind(
    name="slide_store",
    sentence="A compressed slide that opens as pixels at any window and resolution, with checksums.",
    given="a slide store",
    endings=(".cslip.zarr",),
    home=__name__,
    recognise=_recognise,
    verbs={
        "open": ".folder:opened",
        "predict": ".prediction:predict",
        "write": ".prediction:predict_to_file",
        "decode": ".decoding:decode",
        "vectors": ".vectors:vectors",
        "embed": ".vectors:embed",
        "evaluate": ".evaluation:evaluate",
        "report": ".report:write_report",
        "layers": ".layers:layers",
    },
    heeds=("dask", "max_ram"),
)
