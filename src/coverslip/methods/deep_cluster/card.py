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
    measured=("TODO 1",),
    limits=("TODO",),
    losses="Every term is a mean over pixels and samples; the clustering stage's KL is a mean over samples.",
)
