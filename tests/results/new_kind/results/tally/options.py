"""Its options."""

from coverslip.core.config import Options, flag


class Predict(Options):
    """Of predicting."""

    twice: bool = flag(False, "Count every sample twice.")


class Evaluate(Options):
    """Of measuring."""

    tolerance: int = flag(0, "How many may be missed.", ge=0)


class Export(Options):
    """Of export."""

    words: bool = flag(False, "The count as a sentence.")
