"""Options of the verbs for rankings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from coverslip.core import Options, flag


def _listed(value: Any) -> Any:
    texts = [value] if isinstance(value, str) else value
    return tuple(part.strip() for text in texts for part in str(text).split(",") if part.strip())


class Predict(Options):
    """Of predicting."""

    treatment: str | None = flag(
        None, "Column whose values are ranked; default: treatment (with concentration), else the classes."
    )


class Evaluate(Options):
    """Of measuring."""

    order: Annotated[tuple[str, ...], BeforeValidator(_listed)] = flag(
        (), "True order of the classes, the lowest first: a,b,c; default: a column of numbers named by --truth-column."
    )
    truth_column: str | None = flag(None, "Column with the true order: classes, or numbers.")
    alike: str | None = flag(None, "Column that marks look-alikes: the class whose range they belong in.")
    group: str | None = flag(None, "Column whose groups are drawn whole for intervals, such as plate.")


class Report(Options):
    """Of the page."""

    colour: str | None = flag(None, "Column that colours the plate maps; default: the score.")
