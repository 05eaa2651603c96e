"""Segmentation without learning, which comes before cutting; it lives in `coverslip.classical`."""

from coverslip.classical.nuclei import find_nuclei as find_nuclei
