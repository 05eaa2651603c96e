"""Phantom plates of spheroids as a folder of images, with the truth of every well."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from pydantic import Field

from coverslip.core import Config, InputError, provenance, track
from coverslip.samples.spheroids.phantom import draw, draw_plate, grown, seeded

IMAGE_PATTERN = "{plate}_{well}_day{day:d}.tif"
"""How the images are called, for `prepare_spheroids`."""

LAYOUT, TRUTH = "layout.csv", "truth.csv"


class PlateSettings(Config):
    """Settings of phantom plates."""

    plates: int = Field(3, ge=1, description="Number of plates.")
    drugs: int = Field(1, ge=1, description="Drugs on each plate.")
    doses: tuple[float, ...] = Field((0.1, 0.3, 1.0, 3.0, 10.0), description="Doses of each drug, µM.")
    wells: int = Field(12, ge=1, description="Wells of each dose.")
    controls: int = Field(12, ge=0, description="Untreated wells, and wells of the single dose, of each plate.")
    exploded: int = Field(0, ge=0, description="Wells in which the spheroid has burst.")
    efficacy: float = Field(1.0, ge=0, le=1, description="Largest effect of a drug; 0: none has any (ageing stays).")
    control_effect: float = Field(1.0, ge=0, le=1, description="Effect of the single dose.")
    ec50: float = Field(
        1.0, gt=0, description="Dose of half the effect of the first drug; each further needs 3 x as much."
    )
    batch: float = Field(1.0, ge=0, description="How much plates differ; 0: not at all.")
    planes: tuple[int, ...] = Field((1, 3, 5), description="Focal planes; images have one of these numbers by chance.")
    size: tuple[int, int] = Field((128, 154), description="Height and width of the images, pixels.")
    seed: int = Field(0, ge=0, description="The same seed gives the same plates.")


def phantom_plates(out: str | Path, settings: PlateSettings | None = None, *, overwrite: bool = False) -> Path:
    """Draw plates of phantom spheroids on day 7 and day 10 (see `coverslip.samples.spheroids.phantom`).

    Parameters
    ----------
    out : str or Path
        Folder to write: ``<plate>_<well>_day<day>.tif`` (16-bit, 1, 3 or 5 planes, mixed), ``layout.csv`` (plate,
        well, treatment, concentration, label) and ``truth.csv``: of each image also ``effect``, ``harm``,
        ``sharpest`` (the plane in focus) and all numbers that it was drawn from.
    settings : PlateSettings, optional
    overwrite : bool
        Replace a folder of phantom plates.

    Raises
    ------
    InputError
        If a plate of 96 wells does not hold so many.
    """
    from coverslip.io import atomic_folder, write_image_tiff, write_table
    from coverslip.samples.sheets.masks import refuse_other_things

    settings = settings or PlateSettings()
    plan = _plan(settings)
    out = Path(out)
    if overwrite:
        refuse_other_things(out, "phantom plates", (LAYOUT,))
    layout: list[dict[str, object]] = []
    truth: list[dict[str, object]] = []
    with atomic_folder(out, overwrite=overwrite) as folder:
        for p in track(range(settings.plates), "Drawing plates"):
            rng = np.random.default_rng((settings.seed, p))
            plate, name = draw_plate(rng, settings.batch), f"P{p + 1}"
            wells = _wells(len(plan), rng)
            for well, (label, treatment, dose, effect, harm) in zip(wells, plan, strict=True):
                facts = {"plate": name, "well": well, "treatment": treatment, "concentration": dose, "label": label}
                layout.append(facts)
                planes = int(rng.choice(settings.planes))
                young = seeded(rng, _at_edge(well))
                for day, spheroid in ((7, young), (10, grown(young, effect, rng, harm=harm))):
                    stack = draw(spheroid, plate, settings.size, planes, rng)
                    image = f"{name}_{well}_day{day}.tif"
                    pixels = stack.planes if planes > 1 else stack.planes[0]
                    write_image_tiff(pixels, folder / image, axes="ZYX" if planes > 1 else "YX")
                    own = {"image": image, "day": day, "planes": planes, "sharpest": stack.sharpest}
                    truth.append({**own, **facts, "effect": effect, "harm": harm, **asdict(spheroid)})
        for rows, file in ((layout, LAYOUT), (truth, TRUTH)):
            write_table({key: np.array([row[key] for row in rows]) for key in rows[0]}, folder / file)
        made = provenance(made_by="coverslip samples phantom-plates", settings=settings.model_dump(mode="json"))
        (folder / "provenance.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    return out


def _plan(settings: PlateSettings) -> list[tuple[str, str, float, float, float]]:
    """The wells of a plate: label, treatment, dose, effect, harm."""
    plan = [("untreated", "untreated", 0.0, 0.0, 0.0)] * settings.controls
    plan += [("single_dose", "reference", 1.0, settings.control_effect, 0.0)] * settings.controls
    plan += [("exploded", "toxic", 1.0, 0.6 * settings.control_effect, 1.0)] * settings.exploded
    for drug in range(settings.drugs):
        ec50 = settings.ec50 * 3**drug
        for dose in settings.doses:
            effect = settings.efficacy * dose**1.5 / (ec50**1.5 + dose**1.5)
            plan += [("drug_screen", f"drug {chr(65 + drug)}", dose, effect, 0.0)] * settings.wells
    if len(plan) > 96:
        raise InputError(f"A plate has 96 wells, not {len(plan)}; ask for fewer drugs, doses, wells or controls.")
    return plan


def _wells(count: int, rng: np.random.Generator) -> list[str]:
    """Names of wells in random order, the inner 60 first."""
    every = [f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)]
    inner = [well for well in every if not _at_edge(well)]
    chosen = (inner + [well for well in every if _at_edge(well)])[:count]
    return [chosen[i] for i in rng.permutation(count)]


def _at_edge(well: str) -> bool:
    """Whether a well of 96 lies at the edge of its plate."""
    return well[0] in "AH" or well[1:] in ("01", "12", "1")
