"""The card of ranking."""

from coverslip.core import Card

CARD = Card(
    name="rank",
    takes="vectors",
    gives="ranking",
    summary="Samples and treatments in order along a scale between two classes that are known.",
    citation=(
        "Babu, Determination of Drug Efficacy on Pancreatic Tumor 3D Spheroidal Tissues, master thesis, 2024, chapters "
        "9-10 (the four strategies); Z': Zhang, Chung and Oldenburg, 1999; trend: Jonckheere, 1954."
    ),
    inputs="An Embedding, (N, D), with a column of classes; plate, well and day where there are such.",
    outputs="A Ranking: score (0 at the low controls, 1 at the high ones), ranks with intervals.",
    measured=("TBD 0.",),
    limits=("TBD.",),
)
