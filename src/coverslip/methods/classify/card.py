"""The card of the classifiers."""

from coverslip.core import Card

CARD = Card(
    name="classify",
    takes="samples",
    gives="scores",
    summary="Classes of images or cells from few labels, with calibrated probabilities and sets that say when it does "
    "not know.",
    citation=(
        "Tran, Generalising deep learning for microscopy, PhD thesis, Polytechnique Montréal (Mobincep, chapter 5; "
        "WaveM-CNN, ICIAR 2019, chapter 6; OrgaNet, EMBC 2020, chapter 7); MobileNet: Howard et al. 2017, Sandler et "
        "al. 2018; calibration: Guo et al., ICML 2017; conformal sets: Vovk, Gammerman and Shafer 2005, by crepes "
        "(Boström 2022)."
    ),
    inputs="Equally sized images or crops, (N, C, H, W), any channel count, H and W at least 8 pixels, any dtype; with "
    "size=N any height and width, resized to N x N.",
    outputs="ClassScores: for each image the probability of every class, (N, K), the classes that cannot be ruled out "
    "at a chosen error rate, and whether it is better left to a person.",
    notation={
        "mu_k, mu": "the mean feature vector of class k, and of all images",
        "s_k": "mean distance of the images of class k from mu_k",
        "between, within": "gamma_1 and gamma_2: weights of 1 / sum of d(mu_k, mu)^2, and of the sum of s_k^2",
        "mmd": "gamma: weight of the maximum mean discrepancy between codes and draws from N(0, I)",
        "plausibility": "conformal p-value of a class, compared with held-out images of that class",
    },
    measured=("Not measured yet: 0 numbers.",),
    limits=(
        "Prediction sets hold what they promise for images of the kind that was held out: another microscope, stain or "
        "laboratory breaks the promise. Images that were held out also decided when to stop, which makes sets a "
        "little too small; a class with fewer than 1 / error rate - 1 held-out images is never ruled out.",
        "A class can be told by what should not count: the size of the canvas, its border, the file. Run coverslip "
        "study shortcut before you believe a high accuracy.",
        "imbalance=weights or oversample give probabilities as if all classes were equally frequent.",
        "The source's loss takes sums over all images for s_k; here it is the mean, so that its weight does not depend "
        "on their number. Its centres by k-means in every batch of 4 cannot exist for 10 classes: they are the means "
        "of the classes over the epoch before.",
    ),
    losses=(
        "loss: what is minimised in training; of validation it is the cross-entropy alone, which early stopping goes "
        "by. cross_entropy and accuracy of both; between, within, mmd: the further terms before they are weighted."
    ),
)
