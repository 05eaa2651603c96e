"""Faster R-CNN (Ren et al. 2015) and Mask R-CNN (He et al. 2017) over a feature pyramid, from torchvision's parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign

from coverslip.methods.section.config import Config
from coverslip.nn.trunk import Trunk

LEVELS = ("0", "1", "2", "3")
"""Names of the levels of the pyramid; pixels of each stand for 4, 8, 16 and 32 pixels shown."""

_RATIOS = (0.6, 1.0, 1.67)
_TRIED = {"train": (500, 400), "test": (1000, 600)}
"""Proposals of a tile before and after those that overlap go."""
_PER_CELL = 256
"""Of large tiles there are more: one for so many pixels shown, as many as cells of 16 x 16 pixels side by side."""
_REGIONS = 60
"""Regions of a tile, at most; each is outlined, which takes its time."""


class Detector(nn.Module):
    """A trunk with a pyramid, proposals, and heads that name boxes (and outline what is in them).

    What torchvision does around these parts, to scale and to pad images, is left out: tiles come scaled, of one
    size. The trunk may run in half precision; edges of boxes never do.

    Parameters
    ----------
    config : Config
        Backbone, widths, target.
    channels : int
        Of the images.
    classes : int
        Without the background.
    anchors : sequence of float
        Four sides, from the finest level on, pixels shown.
    """

    def __init__(self, config: Config, channels: int, classes: int, anchors: Sequence[float]) -> None:
        super().__init__()
        trunk = Trunk(config.backbone, channels, config.width)
        widths = [trunk.features // 2**i for i in (3, 2, 1, 0)]
        layers = {f"layer{i + 1}": name for i, name in enumerate(LEVELS)}
        pyramid = BackboneWithFPN(trunk, layers, widths, config.pyramid)
        kind: Any = MaskRCNN if config.target == "regions" else FasterRCNN
        net = kind(
            pyramid,
            rpn_anchor_generator=AnchorGenerator(
                sizes=tuple((float(side),) for side in (*anchors, 2 * anchors[-1])),
                aspect_ratios=(_RATIOS,) * 5,
            ),
            rpn_pre_nms_top_n_train=_TRIED["train"][0],
            rpn_post_nms_top_n_train=_TRIED["train"][1],
            rpn_pre_nms_top_n_test=_TRIED["test"][0],
            rpn_post_nms_top_n_test=_TRIED["test"][1],
            box_roi_pool=MultiScaleRoIAlign(LEVELS, output_size=7, sampling_ratio=2),
            box_head=TwoMLPHead(config.pyramid * 7 * 7, config.head),
            box_predictor=FastRCNNPredictor(config.head, classes + 1),
            box_batch_size_per_image=config.proposals,
            box_detections_per_img=_REGIONS if config.target == "regions" else _TRIED["test"][1],
            **(_mask_parts(config, classes) if config.target == "regions" else {}),
        )
        self.backbone, self.rpn, self.roi_heads = net.backbone, net.rpn, net.roi_heads

    def forward(self, x: Tensor, targets: list[dict[str, Tensor]] | None = None) -> Any:
        """Losses by name where `targets` are given, else what is found in each tile.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Scaled tiles; H and W are multiples of 32.
        targets : list of dict, optional
            ``boxes`` ``(n, 4)`` and ``labels`` ``(n,)`` from 1; of regions also ``masks`` ``(n, H, W)``.

        Returns
        -------
        dict of Tensor, or list of dict
            ``boxes``, ``labels``, ``scores`` and, of regions, ``masks`` ``(n, 1, 28, 28)``.
        """
        for part in (self.rpn, self.roi_heads):  # losses are asked for in validation, too
            part.training = targets is not None
        self._make_room(x.shape[2] * x.shape[3])
        features = self.backbone(x)
        with torch.autocast(x.device.type, enabled=False):
            levels = {name: level.float() for name, level in features.items()}
            sizes = [(int(x.shape[2]), int(x.shape[3]))] * len(x)
            proposals, proposing = self.rpn(ImageList(x.float(), sizes), levels, targets)
            found, naming = self.roi_heads(levels, proposals, sizes, targets)
        return found if targets is None else {**proposing, **naming}

    def _make_room(self, pixels: int) -> None:
        """Let as many cells be found in a tile as may lie in it."""
        times = max(1.0, pixels / _PER_CELL / _TRIED["test"][1])
        self.rpn._pre_nms_top_n["testing"], most = (round(times * number) for number in _TRIED["test"])
        self.rpn._post_nms_top_n["testing"] = most
        if not self.roi_heads.has_mask():
            self.roi_heads.detections_per_img = most


def _mask_parts(config: Config, classes: int) -> dict[str, Any]:
    width = config.pyramid
    return {
        "mask_roi_pool": MultiScaleRoIAlign(LEVELS, output_size=14, sampling_ratio=2),
        "mask_head": MaskRCNNHeads(width, (width,) * 4, 1),
        "mask_predictor": MaskRCNNPredictor(width, width, classes + 1),
    }


def build(config: Config, channels: int, classes: int, anchors: Sequence[float]) -> Detector:
    """The network of some settings."""
    return Detector(config, channels, classes, anchors)
