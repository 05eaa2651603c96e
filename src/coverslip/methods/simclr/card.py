"""The card of SimCLR."""

from coverslip.core import Card

CARD = Card(
    name="simclr",
    takes="samples",
    gives="embedding",
    summary="Vectors from a residual network that learns, without labels, which two views show the same image.",
    citation=(
        "Chen, Kornblith, Norouzi and Hinton, A Simple Framework for Contrastive Learning of Visual Representations, "
        "ICML 2020; recipes and settings: Babu, ranking of drug efficacy from brightfield images of spheroids, thesis "
        "(chapters 5, 7, 8); VICReg: Bardes, Ponce and LeCun, ICLR 2022."
    ),
    inputs="Equally sized images or crops, (N, C, H, W), any channel count, H and W at least 8 pixels, any dtype.",
    outputs=(
        "An Embedding: for each image the trunk's mean feature map, (N, 512) float32 with ResNet-18, or with "
        "features=after the vector after the projection head, (N, latent); dimensionless."
    ),
    notation={
        "h, z": "the vectors of a view before and after the projection head",
        "tau": "temperature of NT-Xent",
        "position": "place of the other view of an image among all other views of the batch, the most similar first",
        "plain": "the same numbers for images without the recipe, one of each pair turned or flipped at random",
    },
    measured=(
        "Jurkat cell cycle, 7 phases, one fit (seed 0) to 1,172 cells without their labels: width=16, stem=medium, 60 "
        "epochs, learning_rate=0.002, recipe crop 0.8, brightness and contrast 0.1. Balanced accuracy of a linear "
        "probe, 5 folds inside these cells, no interval: 0.680 from the 128 numbers before the head, 0.612 from 128 "
        "principal components of the pixels. But 20 principal components give 0.761, and 10 give 0.703: with 7 "
        "anaphases and 13 telophases a short vector is worth more, and PCA of 20 is better here. After the head (20 "
        "numbers): 0.507. Averaged over the 8 orientations: 0.646. k-NN (10 neighbours, cosine): 0.432.",
        "Augmentation takes 1.6 to 1.9 % of a training step (ResNet-18, 3 x 96 x 96, batch 64, one thread without "
        "bfloat16, 5.7 s; one run on a busy machine).",
    ),
    limits=(
        "What the recipe changes is what the vectors forget: with strong changes of brightness a dark and a bright "
        "nucleus become one. Look at coverslip samples preview, and at the table of invariance in the model's card.",
        "Views of other images push away: two images of the same thing in one batch are held apart, and with few "
        "images, or a batch below about 32, there is little to learn from.",
        "With several devices each compares the images of its own part of the batch only.",
        "top1, top5 and position depend on the recipe and on the size of the batch: compare them within a setting. "
        "Those named plain do not depend on the recipe.",
        "All images must have one size and dtype; nothing is rescaled.",
    ),
    losses=(
        "NT-Xent (or VICReg), a mean over all views; top1, top5: share of the views whose partner is the most similar, "
        "or among the five most similar; position: its mean place, from 1. plain: of images without the recipe, one of "
        "each pair turned or flipped."
    ),
)
