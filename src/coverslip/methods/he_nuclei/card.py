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
        "Shipped he-nuclei without adapting, means over images. dsb2018_stained, the 27 images that no setting but the "
        "threshold was chosen on: AJI 0.546 [0.504, 0.587] (pooled 0.519), Dice 0.857, AP at IoU 0.5 0.548 [0.486, "
        "0.603]; classical setting (haematoxylin, half local and half Otsu threshold) in the same run 0.482 [0.447, "
        "0.517], 0.826, 0.389.",
        "MoNuSeg, all 13 images (how sizes are told was chosen on them): AJI 0.497 [0.446, 0.547] (pooled 0.481), Dice "
        "0.745, AP 0.453; classical setting 0.449 [0.399, 0.499], 0.747, 0.343.",
        "Points of BRCA-M2C, 42 tiles: F1 0.834 [0.808, 0.854], pooled 0.856; classical 0.817 and 0.831.",
        "Adapted against as fitted, every second image of each set, paired: MoNuSeg AJI +0.009 [0.001, 0.017], "
        "dsb2018_stained -0.008 [-0.017, 0.001], BRCA-M2C F1 +0.007 [0.003, 0.011]: it helps where the network has "
        "seen no image of the kind.",
    ),
    limits=(
        "Dense brown DAB hides the nuclei under it; folded tissue and dark keratin give false nuclei.",
        "Nuclei far smaller or larger than most of an image are divided or joined: it is shown at one zoom.",
        "Adapting to an image with hardly a nucleus has nothing to learn from: it stays as it was fitted.",
    ),
    losses="`nucleus` is soft Dice plus half the cross-entropy, `centre` how far off the depth in the nucleus is.",
)
