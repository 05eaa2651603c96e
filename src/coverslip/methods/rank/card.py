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
    outputs="A Ranking: scores (0 at the low controls, 1 at the high ones), ranks, treatments, a verdict.",
    notation={
        "low, high": "the classes at the ends of the scale, such as untreated and single_dose",
        "ruler": "a strategy with a distance and the class it is measured from",
        "Z'": "1 - 3 (s1 + s2) / |m1 - m2| of the controls' scores",
    },
    measured=(
        "Herlev Pap smears, four grades from light dysplasia to carcinoma in situ (675 cells, "
        "benchmarks/rankings.py); the ends alone are known, 5 folds by cell. Principal components of sorted grey "
        "values and of spectra, learned without labels: Spearman of the consensus with the grade 0.721 [0.680, "
        "0.762], quadratic kappa 0.701 [0.656, 0.745], C-index 0.834 [0.812, 0.855]; prediction 0.654, centroid "
        "0.726, softmax 0.688, projection 0.636. A person's measure, nucleus over cytoplasm: 0.712 [0.669, 0.748], "
        "0.678, 0.827. So it equals that, and does not beat it. Of grey values alone 0.648, of spectra alone 0.627, "
        "of pixels 0.358; of the canvas alone 0.123. The vectors were chosen among these on the same cells.",
        "Jurkat cells, G1 and G2 known, S to be placed (1,200 cells, 5 folds by cell), principal components of the "
        "pixels. AUROC G1 < S and S < G2: consensus 0.958 and 0.969, softmax 0.990 and 0.991, centroid 0.924 and "
        "0.931, prediction 0.880 and 0.872, projection 0.522 and 0.538; without the stain 0.905 and 0.855. Total "
        "DNA, the reference, 0.999 and 0.999. The order is G1, S, G2, the verdict 'partly', for the ends overlap "
        "(Z' -0.23).",
        "Phantom plates, 5 doses x 12 wells x 3 plates with batch effects, features that people know: Spearman with "
        "the true effect over 180 screened wells of held-out plates 0.918 [0.892, 0.935] (prediction 0.900, centroid "
        "0.911, softmax 0.921, projection 0.917); four other sets of plates 0.910 to 0.938. With the first day left in "
        "0.901; without a look at plates 0.908; with day 7 for the zero and single images held out 0.883; raw pixels "
        "0.642; the naive way, day 7, raw pixels and one centroid, 0.038; the network from image to image 0.163. The "
        "order of five doses was right in all but the last two.",
        "Plates without any effect of the drugs, but ageing (phantom images, five doses x 4 wells, 8 controls of each "
        "kind): 99 of 100 'cannot tell' where a single dose works, 25 of 25 where nothing does.",
    ),
    limits=(
        "Drug-treated spheroids with controls were not at hand: what is said of plates is measured on phantoms, "
        "which are a model of brightfield images, and drawn in the same project.",
        "Two ends that differ in more than the effect (stain, day, plate) make a scale of that, too; look at the "
        "plate maps, and have controls of the same day on each plate.",
        "A distance from one class folds the scale beyond it. UMAP and t-SNE are no rulers here: they have no "
        "stored map that new samples are placed by in the same way.",
        "The network from image to image (predictor=images) is a baseline: the source calls it a failure, and so it is "
        "on phantoms.",
        "Weights of strategies come from the controls: with fewer than a dozen of each they are rough.",
    ),
)
