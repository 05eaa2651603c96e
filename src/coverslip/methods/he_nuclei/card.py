"""The card of the nuclei of sections."""

from coverslip.core import Card

CARD = Card(
    name="he_nuclei",
    takes="fields",
    gives="labels",
    summary="Nuclei of stained sections (H&E and alike) without an annotation, adapted to each image.",
    citation=(
        "Duc Hoa Tran, Deep learning model generalization for microscopy image analysis, PhD thesis, Polytechnique "
        "Montréal, 2022 (chapter 4); colours of stains: Ruifrok and Johnston 2001, Macenko et al., ISBI 2009."
    ),
    inputs="RGB images of any size, (3, H, W), 8 or 16 bits or floats; masks are not looked at.",
    outputs="A LabelMap per image: int32 nuclei, 0 background, the mixed map, and the maps it is made of, 0 to 1.",
    notation={
        "z_a": "the map of the colour: how much haematoxylin there is, 1/2 at its threshold",
        "z_d": "the map of the network, a probability",
        "alpha": "z = alpha z_a + (1 - alpha) z_d",
        "lamda": "share of what the image itself says in adapting, the source's lambda",
    },
    measured=(
        "Shipped he-nuclei without adapting, means over images. dsb2018_stained, the 27 images that no setting was "
        "chosen on: AJI 0.529 [0.487, 0.568] (pooled 0.514), Dice 0.835, AP at IoU 0.5 0.524 [0.466, 0.582]; classical "
        "setting (haematoxylin, half local and half Otsu threshold) in the same run 0.482 [0.447, 0.517], 0.826, "
        "0.389; Otsu 0.448, 0.801, 0.343.",
        "MoNuSeg, all 13 images (every third was chosen on): AJI 0.408 [0.338, 0.473] (pooled 0.357), Dice 0.700, AP "
        "0.306: behind the classical setting, 0.449 [0.399, 0.499], 0.747, 0.343.",
        "Whether adapting helps was not measured; nor were points of BRCA-M2C with the network (classical: F1 0.817).",
    ),
    limits=(
        "Brown DAB counts as haematoxylin where it is dense; frozen sections with folded tissue give false nuclei.",
        "Nuclei far smaller or larger than most of an image are divided or joined: it is shown at one zoom.",
        "Adapting to an image with hardly a nucleus has nothing to learn from: it stays as it was fitted.",
    ),
    losses="`nucleus` is soft Dice plus half the cross-entropy, `centre` how far off the depth in the nucleus is.",
)
