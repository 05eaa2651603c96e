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
    measured=(
        "BCCD, 87 validation images, fitted to its training part on a share of one processor core in 20 minutes from "
        "random weights (zoom=0.4 tile=192 batch=4 epochs=30 proposals=64 width=24 pyramid=48, seed 0); four "
        "directions, one vote or two: mean AP50 0.911 [0.885, 0.936], AP75 0.703 [0.656, 0.761]; AP50 of RBC "
        "0.848, WBC 0.995, platelets 0.889; macro F1 0.863 [0.834, 0.889]. One direction: AP50 0.901 [0.871, 0.932], "
        "AP75 0.619 [0.578, 0.678], macro F1 0.859 [0.830, 0.885]. Dark objects, all called RBC: AP50 0.045.",
        "BRCA-M2C (stained breast tissue, points), 10 validation tiles of other patients, half an hour on a processor, "
        "stopped after 17 of 28 epochs, middles within 12 pixels: detection F1 0.825 [0.807, 0.840], macro F1 0.610 "
        "[0.538, 0.643] (lymphocytes 0.744, stromal 0.434, tumour or epithelium 0.652); one direction 0.789 and 0.568; "
        "he-nuclei, without an annotation: detection 0.877.",
        "Phantom sections of testis, stages by a region model fitted for 21 minutes: 8,192² of its own laboratory, 399 "
        "tubules: 99.2 % found; if all are staged 87.5 % right and 99.2 % right or next, with the usual least share "
        "70.5 % of the found staged and 96.4 % of these right. 270 tubules of three other laboratories: 86.3 % and "
        "100 %; 58.9 % staged, 98.7 % of these right. All mistakes are between IX and X-XI.",
        "The same by the cells in them, which the cell model below found: if all are staged 99.0 % [97.5, 99.6] right; "
        "99.5 % staged, all of these right (394). Three other laboratories: 94.8 % [91.5, 96.9]; 92.2 % staged, 97.6 % "
        "[94.8, 98.9] of these right; the wrong ones are of one laboratory, where the cells were named badly.",
        "A section of 30,000², regions, --max-ram 4GB: 1.41 GB at most; killed and resumed, no tile was done twice.",
        "Cells of the same phantom (59,151 of nine types, one direction): detection F1 0.996, macro F1 0.982; positive "
        "cells of five markers within 0.21 points of the truth; a type that is absent is not invented (0 of 12,777).",
        "Live and dead cells, 26 images of five modes: macro F1 0.615, detection F1 0.764; all 120 images read right.",
    ),
    limits=(
        "Phantoms say nothing about real sections, and no real annotated testis sections are at hand.",
        "Two stages that differ by some small cells (IX, X-XI of the phantoms) were not told apart by three networks; "
        "such regions are mostly left as not staged (--least-share 0 names all), unless cells stage them.",
        "Staging by cells is no better than the cells: where another stain makes the cell model name them badly, "
        "regions are left to their votes as far as their cells are unlike those of the fit, but not wholly.",
        "In a phantom that lacks a type of cells which two stages have, votes stage 39 % right, cells 53 %, and most "
        "are staged nevertheless; the column 'familiar' is below 0.5 for half of them, which are to be looked at.",
        "A cell is one box of one class: of two boxes that overlap by half (IoU) the surer one counts.",
        "Pixels of a cell, for markers, are those of the ellipse in its box, not of an outline.",
        "Points become squares of one size; where cells differ much in size, boxes of their own are better.",
        "Widths below 8 are refused: strided convolutions of few channels corrupt memory in PyTorch 2.15 (CPU).",
    ),
    losses=(
        "objectness and rpn_box_reg are of the boxes that are proposed, classifier and box_reg of those that are "
        "named, mask of outlines; loss is their sum."
    ),
)
