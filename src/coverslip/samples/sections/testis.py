"""What phantoms of mouse testis are made of: stages, the layers of each, how nuclei look, which markers they express.

The layers follow the textbook (Russell et al. 1990; Meikar et al. 2023): at the wall Sertoli cells and spermatogonia,
or spermatocytes before pachytene; above them pachytene; then round, elongating and elongated spermatids as the stage
has them; meiotic divisions in XII alone. Numbers were chosen once for their look and are not tuned to any method.
"""

from __future__ import annotations

from typing import NamedTuple

STAGES = ("I-V", "VI-VIII", "IX", "X-XI", "XII")
"""Stage groups of the seminiferous epithelium; the first follows the last."""

CELLS = (
    "Sertoli",
    "Spg",
    "Spc prePach",
    "Spc Pach",
    "Spc sec",
    "m2m",
    "Round spt",
    "El spt early",
    "El spt late",
)
"""Sertoli cells, spermatogonia, spermatocytes (before pachytene; in pachytene and diplotene; secondary), meiotic
divisions, spermatids (round; early and late elongating)."""


class Look(NamedTuple):
    """How a nucleus looks in a DNA stain.

    Parameters
    ----------
    length, width : float
        Diameters, µm.
    bright : float
        Mean of the chromatin, of a range of 1.
    grains : int
        Clumps of chromatin.
    grain : float
        Width of a clump, µm.
    contrast : float
        How much brighter clumps are.
    """

    length: float
    width: float
    bright: float
    grains: int
    grain: float
    contrast: float


LOOKS = {
    "Sertoli": Look(11.0, 7.5, 0.26, 1, 2.0, 0.5),
    "Spg": Look(8.5, 7.0, 0.42, 2, 1.6, 0.2),
    "Spc prePach": Look(7.0, 7.0, 0.45, 12, 0.9, 0.25),
    "Spc Pach": Look(9.5, 9.0, 0.38, 18, 1.1, 0.45),
    "Spc sec": Look(8.0, 7.5, 0.34, 0, 1.0, 0.0),
    "m2m": Look(8.0, 3.0, 0.95, 0, 1.0, 0.0),
    "Round spt": Look(6.0, 6.0, 0.36, 1, 1.4, 0.6),
    "El spt early": Look(9.0, 3.6, 0.6, 1, 1.5, 0.2),
    "El spt late": Look(8.5, 1.9, 0.95, 0, 1.0, 0.0),
}


class Layer(NamedTuple):
    """Cells at one height of the epithelium.

    Parameters
    ----------
    height : float
        How far from the centre, of 1 at the wall.
    gap : float
        Distance between the middles of neighbours, µm.
    shares : dict of str to float
        Of the types of cells in it.
    """

    height: float
    gap: float
    shares: dict[str, float]


_WALL = {"Sertoli": 0.3, "Spg": 0.4, "Spc prePach": 0.3}
LAYERS: dict[str, tuple[Layer, ...]] = {
    "I-V": (
        Layer(0.93, 12.5, {"Sertoli": 0.35, "Spg": 0.65}),
        Layer(0.79, 12.0, {"Spc Pach": 1.0}),
        Layer(0.65, 9.0, {"Round spt": 1.0}),
        Layer(0.53, 9.0, {"Round spt": 1.0}),
        Layer(0.38, 9.0, {"El spt late": 1.0}),
    ),
    "VI-VIII": (
        Layer(0.93, 11.0, {"Sertoli": 0.25, "Spg": 0.15, "Spc prePach": 0.6}),
        Layer(0.79, 12.0, {"Spc Pach": 1.0}),
        Layer(0.65, 9.0, {"Round spt": 1.0}),
        Layer(0.53, 9.0, {"Round spt": 1.0}),
        Layer(0.41, 9.0, {"Round spt": 1.0}),
        Layer(0.27, 7.0, {"El spt late": 1.0}),
    ),
    "IX": (
        Layer(0.93, 11.0, _WALL),
        Layer(0.79, 12.0, {"Spc Pach": 1.0}),
        Layer(0.63, 10.5, {"El spt early": 0.6, "Round spt": 0.4}),
        Layer(0.49, 10.5, {"El spt early": 0.6, "Round spt": 0.4}),
    ),
    "X-XI": (
        Layer(0.93, 11.0, {"Sertoli": 0.3, "Spg": 0.1, "Spc prePach": 0.6}),
        Layer(0.78, 12.5, {"Spc Pach": 1.0}),
        Layer(0.62, 10.5, {"El spt early": 1.0}),
        Layer(0.48, 10.5, {"El spt early": 1.0}),
    ),
    "XII": (
        Layer(0.93, 11.0, {"Sertoli": 0.3, "Spg": 0.2, "Spc prePach": 0.5}),
        Layer(0.78, 12.5, {"Spc Pach": 0.7, "Spc prePach": 0.3}),
        Layer(0.62, 12.0, {"m2m": 0.45, "Spc sec": 0.55}),
        Layer(0.46, 11.0, {"El spt early": 1.0}),
    ),
}

MARKERS: dict[str, tuple[str, ...]] = {
    "SOX9": ("Sertoli",),
    "SALL4": ("Spg",),
    "SCP3": ("Spc prePach", "Spc Pach", "Spc sec"),
    "CREM": ("Round spt",),
    "PNA": ("Round spt", "El spt early", "El spt late"),
    "AR": ("Sertoli",),
    "USF1": ("Sertoli", "Spg"),
}
"""Which cells express an antigen (spermatogonia USF1: a few of them)."""
