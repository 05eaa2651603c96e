"""Measures of classifiers: counts per class, ranking, calibration."""
