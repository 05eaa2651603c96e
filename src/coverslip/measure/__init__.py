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
`overlaps`           which objects of two label images share how many pixels: the table the following take
`matching`           true and predicted objects matched one for one at IoU thresholds
`amodal`             whole masks that may overlap, matched one for one, as a table by overlap
`instances`          panoptic quality, AJI, object Dice, splits and merges
`contours`           distances between the outlines of matched objects
`pixels`             accuracy, F1, IoU and AUROC of foreground against background
`segmentation`       all of these for many images as one table, per image and pooled
`shapes`             one row per labelled object: place, size, shape, intensity, in pixels and µm
`unexplained`        regions of an error image above its noise
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
    "overlaps": ("Overlap", "overlap"),
    "matching": ("Matching", "THRESHOLDS", "count_matches", "match", "match_best"),
    "amodal": ("AmodalEvaluation", "AmodalMasks", "AmodalRow", "amodal_masks", "amodal_overlap", "evaluate_amodal"),
    "instances": ("PanopticQuality", "aggregated_jaccard", "object_dice", "panoptic_quality", "splits_and_merges"),
    "contours": ("BoundaryDistances", "boundary_distances"),
    "pixels": ("PixelScores", "pixel_auroc", "pixel_scores"),
    "segmentation": ("SegmentationEvaluation", "SegmentationRow", "evaluate_labels"),
    "shapes": ("object_table",),
    "unexplained": ("error_noise", "unexplained_regions"),
}
_HOME = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
