"""The card of the U-Net."""

from coverslip.core import Card

CARD = Card(
    name="unet",
    takes="fields",
    gives="labels",
    summary="Nuclei and cells as objects, learned from few masks, from any number of channels or focal planes.",
    citation=(
        "Daniel Majoral López, Deep neural networks for microscopy images, PhD thesis, University of Tartu, 2026 "
        "(chapter 2); U-Net: Ronneberger et al., MICCAI 2015; offsets to the "
        "centre: Neven et al., CVPR 2019."
    ),
    inputs="Fields of any size, (C, H, W), any channel count, any dtype, with a label mask each for training.",
    outputs="A LabelMap per field: int32 objects, 0 background, and the foreground probability of each pixel.",
    measured=(
        "BBBC039, trained on its 100 training fields (stem=1, width=16, levels=5, patch=128, batch=8, epochs=24, "
        "zoom=1.2, contrast 0.4, brightness 0.3, gamma 0.2, noise 0.03, seed 0), the 50 validation fields, threshold "
        "and smallest area tuned on 24 of them: AP at IoU .5/.6/.7/.8/.9 and mean of .50:.05:.95 as means over fields "
        "0.915 [0.901, 0.927]/0.900/0.888/0.860/0.653 [0.615, 0.690] and 0.803; all objects pooled "
        "0.910/0.895/0.880/0.850/0.623 and 0.789. With less augmentation and 18 epochs the means over fields were "
        "0.914/0.901/0.883/0.843/0.645 and 0.799. Classical segmentation (coverslip.samples.find_nuclei) on the same "
        "fields, pooled: AP at 0.5 is 0.783 (mean over fields 0.776), the mean of .50:.05:.95 0.580. Published for "
        "Cellpose-SAM on the set's test fields: "
        ".918/.901/.881/.837/.633 and .791.",
        "What is missed there: of nuclei above 160 pixels 1.2 %, of specks below 40 pixels (6 % of all objects) "
        "two thirds; some fields are drawn coarsely by hand, which limits AP at 0.9. Counted for nuclei of 10 to 60 "
        "pixels alone, AP is 0.976 [0.968, 0.983] at 0.5 and 0.924 [0.904, 0.942] at 0.8.",
        "Usiigaci, whole cells in phase contrast, each of 7 fields by a fit to the other six: AP at IoU 0.5 pooled "
        "0.811 [0.756, 0.861]; one field of 61 cells gives 0.82 on two held out, five 0.84. Classical: 0.000.",
        "Nuclei from transmitted light (one field of In silico labeling, labels from its DAPI, half of it held out), "
        "F1 of all pixels pooled: 0.43 from one focal plane (the best of seven 0.49), 0.46 from the better pair, 0.56 "
        "from all seven; as means over tiles, of which some are empty, 0.34 (0.38), 0.49 and 0.57 [0.41, 0.74]. That "
        "two planes are better than one is therefore not shown; that seven are, is.",
        "Objects about four times as large as those of the fit (shipped nuclei-fluo; 12 fields of the set of Coelho "
        "et al. 2009, median diameter about 100 pixels, never trained on), zoom told from each image: AP at IoU 0.5 "
        "0.862 as a mean over fields, 0.858 pooled; at their own size 0.097 with the weights before. BBBC039 fields "
        "made smaller or larger (12 fields, objects of at least 100 pixels at full size, pooled): 0.964 at 0.25, 0.986 "
        "at 0.35, 0.949 at 0.5, 0.985 at 0.7, 1 and 2, 0.990 at 1.4; with the weights before and without it (2 fields, "
        "all objects) 0.34, 0.74, 0.87, 0.95, 0.95 at 0.25 to 1.4 and 0.93 at 2.",
        "Begun from the shipped nuclei-fluo and shown one or four images of stained tissue, grey and inverted (150 "
        "steps, three restarts, 18 images left out), AP at IoU 0.5 pooled: 0.385 [0.335, 0.447] and 0.570 [0.495, "
        "0.635]; from drawn weights 0.234 and 0.374; classical 0.426.",
        "Four flips at test time: mean AP 0.780 instead of 0.779, at four times the work.",
    ),
    limits=(
        "Specks of a few pixels beside a nucleus are often taken for a part of it.",
        "An offset needs the network to see a whole object: for cells wider than its reach (coverslip methods "
        "unet --size 256x256 prints it) use stem=4 or more levels.",
        "Fields are scaled each by its own percentiles: an empty field is pure noise to the network; include some "
        "in the training set.",
        "Objects that overlap share no pixel: the label image gives each pixel to one of them.",
    ),
)
