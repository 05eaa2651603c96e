"""Strokes instead of masks: what nobody labelled counts for nothing."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

import coverslip as cs
from coverslip.core.fields import ArrayFields
from coverslip.methods.unet.loss import loss_terms
from coverslip.methods.unet.targets import scribbled, targets_and_weight
from coverslip.train import Run

from .blobs import blob_fields


def strokes(mask: np.ndarray) -> np.ndarray:
    """A few pixels inside each object, a few lines of background, nothing elsewhere."""
    inside = ndimage.distance_transform_edt(mask > 0)
    drawn = np.zeros_like(mask)
    drawn[::12][(ndimage.distance_transform_edt(mask == 0) > 2)[::12]] = 1
    return np.where(inside > 3, mask + 1, drawn)


def test_numbers_of_strokes_become_labels() -> None:
    mask = np.array([[0, 1, 5], [5, 0, 9]])
    assert scribbled(mask).tolist() == [[-1, 0, 1], [1, -1, 2]]
    assert scribbled(np.array([[2, 2]])).tolist() == [[1, 1]]  # an object, although no background is labelled
    assert scribbled(np.array([[1, 1]])).tolist() == [[0, 0]]
    made = targets_and_weight(scribbled(mask), "offset")
    assert made[0].tolist() == [[0, 0, 1], [1, 0, 1]]
    assert (made[-1] == 0).tolist() == [[True, False, False], [False, True, False]]


def test_what_is_not_labelled_has_no_part_in_the_loss() -> None:
    outputs = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels = scribbled(np.kron([[0, 1], [2, 0]], np.ones((4, 4), int)))
    made = torch.from_numpy(targets_and_weight(labels, "offset"))[None]
    loss_terms(outputs, made[:, :-1], made[:, -1], "offset")["loss"].backward()
    assert outputs.grad is not None
    assert outputs.grad[0, 0].abs()[labels < 0].max() == 0
    assert outputs.grad[0, 0].abs()[labels >= 0].min() > 0
    nothing = loss_terms(outputs, made[:, :-1] * 0, made[:, -1] * 0, "offset")["loss"]
    assert torch.isfinite(nothing)


def test_a_fit_to_strokes_finds_whole_objects() -> None:
    whole = blob_fields(4, (64, 64))
    masks = [whole.labels(i) for i in range(4)]
    images = [whole.image(i).read() for i in range(4)]
    fields = ArrayFields(images, [strokes(mask) for mask in masks])
    assert np.mean([(strokes(mask) > 0).mean() for mask in masks]) < 0.4
    settings = {"epochs": 45, "batch": 2, "width": 8, "levels": 3, "patch": 64, "learning_rate": 0.01, "validation": 0}
    strokes_only = {**settings, "scribbles": True, "separation": "distance"}
    model = cs.fit("unet", fields, strokes_only, run=Run(device="cpu", precision="fp32"))
    assert "object_diameter_px" not in model.facts
    assert not any("of its own" in warning for warning in model.warnings)  # strokes are in pieces
    found = cs.predict(model, images[0])
    truth, seen = masks[0] > 0, found.labels > 0
    assert (truth & seen).sum() / (truth | seen).sum() > 0.6  # 0.4 where what is not labelled is background
