"""The card of deep clustering."""

from coverslip.core import Card

CARD = Card(
    name="deep_cluster",
    takes="samples",
    gives="embedding",
    summary="Groups without labels: an autoencoder's latents, drawn towards cluster centres that are learned with it.",
    citation=(
        "Hoai Duc Tran, Deep Learning Model Generalization for Microscopy Image Analysis, PhD thesis, Polytechnique "
        "Montréal, 2022 (Appendix A, MMV-DEC); DEC: Xie et al., ICML 2016; IDEC: Guo et al., IJCAI 2017; "
        "MMD: Gretton et al., JMLR 2012."
    ),
    inputs="Equally sized images, (N, C, H, W), any channel count, H and W at least 8 pixels, any dtype.",
    outputs=(
        "An Embedding: the latent vector of each image, (N, latent) float32, its cluster, and its soft membership of "
        "every cluster, (N, K) in [0, 1]."
    ),
    notation={
        "x, x̂": "an image scaled to [0, 1] and its reconstruction",
        "z": "latent vector",
        "mu": "centres of the clusters, K of them",
        "q, p": "soft assignment of z to each centre, and its sharpened form that is aimed at",
        "beta": "weight of KL(P || Q) in the clustering stage",
    },
    measured=(
        "USPS, all 9,298 digits of 16 x 16, K = 10, no labels used, accuracy (best one-to-one match) and NMI: "
        "k-means of the pixels 0.663 [0.653, 0.673], 0.609 [0.601, 0.621]; of 10 principal components 0.667 [0.658, "
        "0.677], 0.600 [0.592, 0.612].",
        "Preset recommended, the same digits, five seeds: mean 0.969 (0.966 to 0.970), 0.924 (0.920 to 0.925); one "
        "seed 0.970 [0.966, 0.973], 0.925 [0.919, 0.934]. Before its mixture started from k-means of the map, two of "
        "the five put two digits into one cluster: 0.920 (0.830 to 0.970), 0.907 (0.873 to 0.925).",
        "Preset recommended, the same digits, stages of one earlier fit (seed 0): k-means of the vectors of the first "
        "stage, 20 epochs, 0.756, 0.702; the groups on their UMAP, where the clustering stage starts, 0.936, 0.869.",
        "Prototypes of that preset, without averaging over neighbours: seed 0, 30 epochs of the first stage and 18 "
        "of clustering, 0.946, 0.883, the groups on a UMAP of those vectors 0.955 [0.951, 0.959], 0.900 [0.894, "
        "0.910]; seed 1, 28 and 20 epochs, 0.956, 0.898. They still rose when they were stopped.",
        "Preset seed: not measured at its 300 epochs, for these take more than an hour on one core; the source "
        "states 0.964, 0.912 and is neither confirmed nor refuted.",
    ),
    limits=(
        "The number of clusters is what is asked for: a proposal is no proof that there are any, and rare classes "
        "are joined to large ones, for the targets favour clusters of equal size.",
        "Vectors depend on how an object lies, unless augment turns it (augment.dihedral=true).",
        "On images whose classes differ by fine texture the autoencoder groups what its reconstruction is about: "
        "size, brightness, position.",
        "Memberships are no probabilities: the Student t kernel leaves even sure samples well below 1.",
        "Held-out validation losses of the clustering stage depend on its own targets; they do not say which K is "
        "right.",
        "All images must have one size and dtype; nothing is rescaled.",
    ),
    losses="Every term is a mean over pixels and samples; the clustering stage's KL is a mean over samples.",
)
