"""Embeddings: one vector per sample."""

from pathlib import Path
from typing import Any

from coverslip.core import Kind


def _recognise(result: Any) -> bool:
    from coverslip.core.results import Embedding

    return isinstance(result, Embedding) or (isinstance(result, Path) and result.suffix.lower() == ".h5ad")


KIND = Kind(
    name="embedding",
    sentence="One vector per sample, with the facts about each; opens in scanpy.",
    given="an embedding",
    endings=(".h5ad",),
    home=__name__,
    heeds=("devices", "dask"),
    recognise=_recognise,
    verbs={
        "open": "coverslip.io.h5ad:read_embedding",
        "predict": ".prediction:predict",
        "write": ".prediction:predict_to_file",
        "evaluate": ".evaluation:evaluate",
        "report": ".report:write_report",
        "layers": ".layers:layers",
        "label": ".labelling:label",
        "score": ".score:score",
        "card": ".trust:card_tables",
    },
)
