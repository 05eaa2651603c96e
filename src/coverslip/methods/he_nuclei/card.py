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
        "A first look only, at images that settings were chosen on, shipped he-nuclei without adapting: three of "
        "dsb2018_stained AJI 0.46, Dice 0.80, AP at IoU 0.5 0.45 (a classical setting, haematoxylin, half local and "
        "half Otsu threshold, on the same: 0.47, 0.81, 0.38); two parts of MoNuSeg, about 330 pixels wide, AJI 0.50, "
        "Dice 0.76, AP 0.42. benchmarks/he_nuclei.py gives the whole table.",
    ),
    limits=(
        "Brown DAB counts as haematoxylin where it is dense; frozen sections with folded tissue give false nuclei.",
        "Nuclei far smaller or larger than most of an image are divided or joined: it is shown at one zoom.",
        "Adapting to an image with hardly a nucleus has nothing to learn from: it stays as it was fitted.",
    ),
    losses="`nucleus` is soft Dice plus half the cross-entropy, `centre` how far off the depth in the nucleus is.",
)
