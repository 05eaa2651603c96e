"""Lists of classes that are known by one name."""

from __future__ import annotations

PRESETS: dict[str, dict[str, tuple[str, ...]]] = {
    "testis": {
        "regions": ("I-V", "VI-VIII", "IX", "X-XI", "XII"),
        "cells": (
            "Sertoli",
            "Spg",
            "Spc prePach",
            "Spc Pach",
            "Spc sec",
            "m2m",
            "Round spt",
            "El spt early",
            "El spt late",
        ),
    }
}
"""What ``classes=NAME`` stands for, for regions and for cells.

``testis`` are the stage groups of the seminiferous epithelium of the mouse, which follow each other in a circle, and
its cell types: Sertoli cells, spermatogonia, spermatocytes before pachytene, in pachytene or diplotene, and secondary
ones, meiotic divisions, and spermatids that are round, early and late elongating.
"""
