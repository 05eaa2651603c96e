"""Rankings: samples and treatments in order along a scale."""

from pathlib import Path
from typing import Any

from coverslip.core import Kind


def _recognise(result: Any) -> bool:
    from coverslip.core import Ranking

    return isinstance(result, Ranking) or (isinstance(result, Path) and (result / "treatments.csv").is_file())


KIND = Kind(
    name="ranking",
    sentence="Samples and treatments in order along a scale, with intervals and a verdict.",
    given="a ranking",
    endings=("",),
    home=__name__,
    recognise=_recognise,
    verbs={
        "open": ".folder:read_ranking",
        "predict": ".prediction:predict",
        "write": ".prediction:predict_to_file",
        "evaluate": ".evaluation:evaluate",
        "report": ".report:write_report",
    },
)
