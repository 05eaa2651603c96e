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
    measured=(
        "Jurkat cells, 1,675 in 7 phases (10 to 400 cells each), on vectors of SimCLR (128 values, one fit to 1,172 "
        "of them without labels), cross-validated by cell: balanced accuracy 0.672 [0.617, 0.728] with every label.",
        "The same with few labels, 5 draws each: 0.28 with 1 of a class, 0.45 with 5, 0.49 with 10, 0.58 with 20, 0.61 "
        "with 50, 0.67 with 100 (small classes have fewer).",
        "Names of 20 k-means clusters against a probe with 100 labels drawn at random, on the half that neither saw "
        "(ten draws): balanced accuracy 0.574 against 0.434 on 20 principal components (0.580 with 10 labels of each"
        " class), 0.368 against 0.414 (0.495) on a VAE of 10, 0.312 against 0.429 (0.523) on these vectors, in which "
        "k-means does not find the phases (benchmarks/naming.py).",
    ),
    limits=(
        "It can tell apart only what the vectors hold: a class that the embedding mixes with another stays mixed.",
        "Labels that come from clusters teach the clusters: the probe is then sure of what k-means was sure of.",
        "Probabilities are calibrated for cells as those that were labelled: on another day's cells measure anew.",
    ),
)
