"""Results and truth to numbers, with intervals: arrays in, numbers out.

>>> from coverslip import measure
>>> measure.linear_probe(latent, labels, groups=donor).balanced_accuracy
0.812 [0.790, 0.833]

===================  =====================================================================================
`reconstruction`     sum and mean squared error, PSNR, SSIM, per image and per channel
`latent`             the loss term's KL per dimension, KL of the aggregate posterior, active units, collapse
`probe`              linear and k-nearest-neighbour probes, cross-validated or on a given split
`clusters`           silhouette, ARI, NMI, clustering accuracy, purity, and k-means with k found
`disentangle`        MIG and DCI against known factors
`intervals`          bootstrap intervals over samples or groups, and paired differences
`evaluate`           all of it as one table, beside baselines
`scores`             accuracy, balanced accuracy, R² and means, as statistics to resample
`anomaly`            anomaly scores: robust z
===================  =====================================================================================
"""

from importlib import import_module
from typing import Any

# Loaded on first use: the measures need scikit-learn and SciPy, which cost a second.
_EXPORTS = {
    "reconstruction": ("mean_squared_error", "psnr", "ssim", "sum_squared_error"),
    "latent": (
        "active_units",
        "collapsed",
        "empirical_kl",
        "empirical_kl_histogram",
        "empirical_kl_joint",
        "kl_per_dimension",
    ),
    "scores": ("accuracy", "balanced_accuracy", "class_mean", "mean", "r_squared"),
    "intervals": ("Interval", "bootstrap", "paired_difference"),
    "probe": ("ProbeResult", "knn_probe", "linear_probe"),
    "clusters": (
        "Clustering",
        "adjusted_rand_index",
        "cluster",
        "clustering_accuracy",
        "contingency",
        "normalised_mutual_information",
        "purity",
        "silhouette",
    ),
    "disentangle": ("DCI", "MIG", "dci", "mig"),
    "evaluate": ("Evaluation", "Row", "evaluate_embedding", "evaluate_factors", "pca_baseline"),
    "anomaly": ("robust_z",),
}
_HOME = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
