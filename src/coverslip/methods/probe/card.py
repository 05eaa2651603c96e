"""What the probe is."""

from coverslip.core import Card

CARD = Card(
    name="probe",
    summary="A calibrated linear classifier on vectors that another method made: classes from a few labels.",
    takes="vectors",
    gives="scores",
    citation=(
        "Alain, Bengio: Understanding intermediate layers using linear classifier probes, arXiv:1610.01644 (2016); "
        "temperature scaling by Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML 2017."
    ),
    inputs=(
        "An embedding (.h5ad) with a column of classes, of which any part may be empty; or the .parquet that "
        "'coverslip label' wrote of one."
    ),
    outputs="Of each row the class, its calibrated probability (confidence), and the probability of every class.",
    measured=("See the page of the probe in the documentation; 2026.",),
    limits=(
        "It can tell apart only what the vectors hold: a class that the embedding mixes with another stays mixed.",
        "Labels that come from clusters teach the clusters: the probe is then sure of what k-means was sure of.",
        "Probabilities are calibrated for cells as those that were labelled: on another day's cells measure anew.",
    ),
)
