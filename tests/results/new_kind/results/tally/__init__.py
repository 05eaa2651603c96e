"""How many samples are bright: a kind of result that no folder of the package knows."""

from typing import Any

from coverslip.core.kind import Kind


def _recognise(result: Any) -> bool:
    return False  # its files carry a tag


KIND = Kind(
    name="tally",
    sentence="How many samples are bright.",
    given="a tally",
    endings=("",),
    home=__name__,
    recognise=_recognise,
    verbs={verb: f".verbs:{verb}" for verb in ("open", "predict", "write", "evaluate", "report", "export")},
)
