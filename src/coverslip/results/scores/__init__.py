"""Scores: how likely each image is of each class."""

from pathlib import Path
from typing import Any

from coverslip.core import Kind


def _recognise(result: Any) -> bool:
    from coverslip.core.scores import ClassScores

    if not isinstance(result, Path):
        return isinstance(result, ClassScores)
    if result.suffix.lower() not in KIND.endings or not result.is_file():
        return False
    from coverslip.results.scores.file import holds_scores

    return holds_scores(result)


KIND = Kind(
    name="scores",
    sentence="How likely each image is of each class, with the classes that cannot be ruled out.",
    given="scores",
    endings=(".parquet", ".csv"),
    home=__name__,
    heeds=("devices", "dask"),
    recognise=_recognise,
    verbs={
        "open": ".file:read_scores",
        "predict": ".prediction:predict",
        "write": ".prediction:predict_to_file",
        "evaluate": ".evaluation:evaluate",
        "report": ".report:write_report",
        "export": ".export:export",
        "score": ".score:score",
        "to_file": ".file:write_scores",
        "columns": ".file:our_columns",
        "counted": ".prediction:counted",
    },
)
