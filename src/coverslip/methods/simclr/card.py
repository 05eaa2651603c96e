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
        "Jurkat cell cycle, 7 phases, fits to 1,172 cells without their labels, probes tested on 503 others (3 "
        "anaphases, 6 telophases): width=16, stem=medium, 60 epochs, learning_rate=0.002, recipe crop 0.8, brightness "
        "and contrast 0.1. Balanced accuracy of a linear probe, three seeds: 0.738, 0.738 and 0.733 from the 128 "
        "numbers before the head; above 128 principal components of the pixels by 0.146 [0.049, 0.261], 0.147 and "
        "0.141. But 20 principal components give 0.796 [0.690, 0.873], which is more, and raw pixels 0.699. After the "
        "head (20 numbers): 0.624, 0.622, 0.651. k-NN: 0.562, 0.655, 0.505 against 0.351, 0.650 and 0.654.",
        "Augmentation takes 1.6 to 1.9 % of a training step (ResNet-18, 3 x 96 x 96, batch 64) on one thread without "
        "bfloat16, where a step has 5.7 s (one run on a busy machine), and 4.9 % (recipe strong) to 6.0 % on two "
        "threads with it, where it has 0.44 s.",
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
