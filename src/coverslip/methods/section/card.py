"""The card of the models of whole sections."""

from coverslip.core import Card

CARD = Card(
    name="section",
    takes="fields",
    gives="detections",
    summary="Cells as boxes and regions as outlines in images of any size, each with a class.",
    citation=(
        "Daniel Majoral López, Deep neural networks for microscopy images, PhD thesis, University of Tartu, 2026 "
        "(chapter 3); STAGETOOL: Meikar et al. 2023; Faster R-CNN: Ren et al., NeurIPS 2015; Mask R-CNN: He et al., "
        "ICCV 2017; feature pyramids: Lin et al., CVPR 2017; torchvision's parts."
    ),
    inputs="Fields of any size, (C, H, W), any channel count, any dtype; boxes, points or outlines to learn from.",
    outputs="Detections of each field: edges, class, score and votes of each object, and outlines of regions.",
    measured=("0",),
    limits=("x",),
    losses=(
        "objectness and rpn_box_reg are of the boxes that are proposed, classifier and box_reg of those that are "
        "named, mask of outlines; loss is their sum."
    ),
)
