"""Lists of classes that are known by one name."""

from __future__ import annotations

from coverslip.samples.sections.testis import CELLS, STAGES

PRESETS: dict[str, dict[str, tuple[str, ...]]] = {"testis": {"regions": STAGES, "cells": CELLS}}
"""What ``classes=NAME`` stands for, for regions and for cells.

``testis`` are the stage groups of the seminiferous epithelium of the mouse, which follow each other in a circle, and
its cell types.
"""
