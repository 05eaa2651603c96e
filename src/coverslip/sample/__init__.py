"""From images to batches: sheets, crops, focal planes, normalisation, augmentation.

Users see this room as ``coverslip.samples``. Every name is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coverslip.sample.augment import Augment, dihedral, dihedral_all, intensity
    from coverslip.sample.check import Problem, Report, check_sheet
    from coverslip.sample.classical import find_nuclei
    from coverslip.sample.crop_fields import crop_sheet
    from coverslip.sample.crops import crop_objects
    from coverslip.sample.cutouts import CutOut, cut_out, find_background
    from coverslip.sample.fields import SheetFields, open_fields
    from coverslip.sample.focus import sharpest, sharpness
    from coverslip.sample.make import make_sheet
    from coverslip.sample.normalise import Normaliser
    from coverslip.sample.phantoms import Phantom, Phantoms, overlap_phantoms
    from coverslip.sample.samples import SheetSamples, open_samples
    from coverslip.sample.sheet import Sheet, read_sheet, write_sheet
    from coverslip.sample.splits import given_split, split_indices, split_sheet
    from coverslip.sample.stain import StainLabels, segment_stain
    from coverslip.sample.stain_quality import StainFacts, judge_stain
    from coverslip.sample.stain_settings import StainSettings
    from coverslip.sample.stain_sheet import label_from_stain
    from coverslip.sample.tile_fields import tile_sheet

_EXPORTS = {
    "Augment": "augment",
    "dihedral": "augment",
    "dihedral_all": "augment",
    "intensity": "augment",
    "Problem": "check",
    "Report": "check",
    "check_sheet": "check",
    "find_nuclei": "classical",
    "crop_sheet": "crop_fields",
    "crop_objects": "crops",
    "CutOut": "cutouts",
    "cut_out": "cutouts",
    "find_background": "cutouts",
    "SheetFields": "fields",
    "open_fields": "fields",
    "sharpest": "focus",
    "sharpness": "focus",
    "make_sheet": "make",
    "Normaliser": "normalise",
    "Phantom": "phantoms",
    "Phantoms": "phantoms",
    "overlap_phantoms": "phantoms",
    "SheetSamples": "samples",
    "open_samples": "samples",
    "Sheet": "sheet",
    "read_sheet": "sheet",
    "write_sheet": "sheet",
    "given_split": "splits",
    "split_indices": "splits",
    "split_sheet": "splits",
    "StainLabels": "stain",
    "segment_stain": "stain",
    "StainFacts": "stain_quality",
    "judge_stain": "stain_quality",
    "StainSettings": "stain_settings",
    "label_from_stain": "stain_sheet",
    "tile_sheet": "tile_fields",
}

__all__ = [
    "Augment",
    "CutOut",
    "Normaliser",
    "Phantom",
    "Phantoms",
    "Problem",
    "Report",
    "Sheet",
    "SheetFields",
    "SheetSamples",
    "StainFacts",
    "StainLabels",
    "StainSettings",
    "check_sheet",
    "crop_objects",
    "crop_sheet",
    "cut_out",
    "dihedral",
    "dihedral_all",
    "find_background",
    "find_nuclei",
    "given_split",
    "intensity",
    "judge_stain",
    "label_from_stain",
    "make_sheet",
    "open_fields",
    "open_samples",
    "overlap_phantoms",
    "read_sheet",
    "segment_stain",
    "sharpest",
    "sharpness",
    "split_indices",
    "split_sheet",
    "tile_sheet",
    "write_sheet",
]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
