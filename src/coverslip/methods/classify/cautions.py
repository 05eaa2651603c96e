"""What a fit warns of."""

from __future__ import annotations

import numpy as np

from coverslip.core.words import number_of
from coverslip.methods.classify.calibration import ENOUGH
from coverslip.methods.classify.config import SHALLOW, Config
from coverslip.methods.classify.task import Task
from coverslip.samples.opening.again import alike
from coverslip.samples.sheets.splits import divided_groups, few_groups
from coverslip.train.loop import Outcome


def warnings_of(task: Task, config: Config, outcome: Outcome, calibrating: np.ndarray) -> list[str]:
    """Sentences on what was fitted, and how, that whoever uses the model should know."""
    said = [text for text in (task.left_out, alike(task.classes), divided_groups(task.samples.obs)) if text]
    if task.split_by == "sample" and len(task.split["val"]):
        by_hand = "say which are held out in a column 'split' (coverslip samples split SHEET --by {})"
        said += filter(None, [few_groups(task.samples.obs, by_hand)])
    held = np.bincount(calibrating, minlength=len(task.classes))
    word = "held-out" if len(calibrating) == len(task.split["val"]) else "labelled"
    if not held.sum():
        said.append(
            "Nothing was held out, so probabilities are not calibrated and there are no prediction sets: mark some "
            "rows with the split 'val', or set validation above 0."
        )
    elif held.sum() < ENOUGH:
        said.append(
            f"{number_of(held.sum(), f'{word} image is', f'{word} images are')} too few for prediction sets: with "
            f"fewer than {ENOUGH} each holds every class at an error rate of 0.1."
        )
    elif held.min() < ENOUGH:
        few, name = int(held.min()), task.classes[int(held.argmin())]
        counted = f"Only {few} {word} images are" if few > 1 else f"{'Only one' if few else 'No'} {word} image is"
        said.append(
            f"{counted} of the class '{name}', too few for prediction sets that hold for it alone: classes with fewer "
            f"than {ENOUGH} are compared with all {word} images."
        )
    if config.retrain and config.network not in SHALLOW and held.sum():
        said.append(
            "Temperature and prediction sets come from the fit before retraining (retrain=true), which held images "
            "out: the weights that are kept have learned from these, too, so that nothing is promised of their sets."
        )
    counts = np.bincount(task.codes[task.split["train"]], minlength=len(task.classes))
    if counts.max() > 5 * counts.min() and config.imbalance == "none":
        large, small = task.classes[int(counts.argmax())], task.classes[int(counts.argmin())]
        said.append(
            f"There are {counts.max()} training images of '{large}' and {counts.min()} of '{small}': imbalance=weights "
            "or oversample make rare classes count as much."
        )
    if config.patience and outcome.facts.get("epochs_run") == config.epochs == outcome.facts.get("best_epoch"):
        said.append("The last epoch was the best: more epochs may help.")
    return said
