"""Options of the verbs for decompositions: beside those of predicting, the ones of label images."""

from __future__ import annotations

from typing import Any

from coverslip.core import NoDataRule, Options, flag
from coverslip.results.labels.options import Evaluate as Evaluate
from coverslip.results.labels.options import Export as Export
from coverslip.results.labels.options import Measure as Measure
from coverslip.results.labels.options import Report as Report
from coverslip.results.labels.options import nodata_flag, strict_flag


class Predict(Options):
    """Of predicting."""

    rivals: tuple[Any, ...] = flag((), "Another model that competes for each object; may be repeated.", name="rival")
    nodata: NoDataRule | None = nodata_flag()
    strict: bool = strict_flag()
