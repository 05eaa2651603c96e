"""Options of the verbs for scores."""

from __future__ import annotations

from coverslip.core import Options, flag


def _error_rate() -> float | None:
    rate: float | None = flag(
        None, "How often the prediction set may miss the true class, such as 0.1; default: as predicted.", gt=0, lt=1
    )
    return rate


class Predict(Options):
    """Of predicting."""

    error_rate: float = flag(0.1, "How often the prediction set may miss the true class, in each class.", gt=0, lt=1)


class Evaluate(Options):
    """Of measuring."""

    label: str | None = flag(None, "Column that holds the true classes; default: the one that the model was fitted to.")
    group: str | None = flag(None, "Column whose groups are resampled whole, such as plate.")
    split: str | None = flag(None, "Only images of this split, such as test; default: those held out, where marked.")
    error_rate: float | None = _error_rate()


class Report(Options):
    """Of the page."""

    label: str | None = flag(None, "Column that holds the true classes; default: the one that the model was fitted to.")
    split: str | None = flag(None, "Only images of this split, such as test; default: those held out, where marked.")
    error_rate: float | None = _error_rate()


class Export(Options):
    """Of export."""

    csv: bool = flag(False, "The table of images, for spreadsheets.")
    error_rate: float | None = _error_rate()
