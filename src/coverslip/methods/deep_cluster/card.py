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
        "Preset recommended, the same digits, five seeds: mean 0.980 (0.979 to 0.982), 0.947 (0.944 to 0.951); seed 0 "
        "0.979 [0.975, 0.981], 0.944 [0.938, 0.952]. Its settings were chosen with these digits' labels in sight.",
        "Seed 2 on its way: k-means of the vectors of the first stage, 56 epochs, 0.635, 0.558; the groups on their "
        "UMAP, where the clustering stage starts, 0.952, 0.885; after one of twelve rounds 0.972, after six 0.978.",
        "Preset recommended, the 10,000 test images of MNIST, one seed: 0.973 [0.970, 0.976], 0.947 "
        "[0.942, 0.953]; k-means of the pixels 0.542, 0.50.",
        "That preset without consistency, 1,675 Jurkat cells, K = 7, one seed: a linear probe for 7 phases 0.543 "
        "[0.502, 0.587] balanced, with turns and flips in place of shear 0.572 [0.521, 0.628]; 10 principal components "
        "0.766 [0.715, 0.813]. NMI of the clusters 0.412 and 0.407; k-means of the components 0.458.",
        "Preset seed: not measured at its 300 epochs, for these take more than an hour on one core; the source "
        "states 0.964, 0.912 and is neither confirmed nor refuted.",
    ),
    limits=(
        "Phases that go over into each other by brightness are told better by principal components: clustering draws "
        "together what differs within a cluster. It is for groups that are apart.",
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
