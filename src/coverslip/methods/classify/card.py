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
    measured=(
        "Herlev Pap smears, normal against abnormal, 917 images, 5 folds by source image, images resized to 32 x "
        "32, seed 0, intervals over source images. The baselines only: accuracy 0.744 [0.703, 0.780] linear, "
        "0.775 [0.740, 0.809] nearest neighbours (always abnormal: 0.736); balanced 0.602 [0.566, 0.641] and "
        "0.688 [0.647, 0.729]. Prediction sets at an error rate of 0.1 hold the true class of normal images in "
        "0.934 [0.870, 0.980] (linear) and 0.913 [0.869, 0.954] (neighbours), of abnormal ones in 0.911 [0.887, "
        "0.932] and 0.919 [0.894, 0.941]; calibrated on the held-out fifth (cross=0) in 0.806, 0.897, 0.914, 0.960.",
        "The same in 7 ordered classes: accuracy 0.376 [0.339, 0.413] linear, 0.335 [0.299, 0.371] neighbours "
        "(always the largest: 0.215); quadratic kappa 0.476 [0.404, 0.542] and 0.351 [0.277, 0.422]; sets cover "
        "0.912 [0.890, 0.933] and 0.929 [0.911, 0.947] in all, from 0.878 to 0.959 and 0.905 to 0.957 by class, "
        "with 4.6 and 5.2 classes each, which chance explains but for one class (0.959, by chance up to 0.952); "
        "calibrated on the held-out fifth from 0.863 to 0.957 and 0.874 to 0.939, which chance explains.",
        "Shortcuts on the same images, balanced accuracy of a linear probe: the file alone 0.681 [0.635, 0.733], mean "
        "colour 0.642 [0.587, 0.694], size 0.594 [0.552, 0.634]; whole image in 16 x 16 pixels 0.672 [0.627, 0.715].",
        "Few labels, Herlev, normal against abnormal, 306 images that no fit has seen, three draws, 64 x 64: a linear "
        "classifier on the trunk of SimCLR, fitted for 40 epochs to the other 611 images without classes, has a "
        "balanced accuracy of 0.530 [0.477, 0.581], 0.671 [0.614, 0.727] and 0.709 [0.655, 0.761] with 10, 30 and 90 "
        "images per class, on pixels 0.544, 0.588 and 0.576: the start adds -0.014 [-0.067, 0.039], 0.083 [0.003, "
        "0.163] and 0.133 [0.056, 0.212]. ResNet-18 trained whole: 0.543, 0.583, 0.728 from scratch, 0.512, 0.609, "
        "0.714 from that trunk.",
        "Mobincep on Herlev, normal against abnormal, the same 5 folds (64 x 64, 60 epochs, batches of 32; always "
        "abnormal 0.736): accuracy 0.839 [0.800, 0.872], AUC 0.843, by cross-entropy alone 0.836 and 0.855; the "
        "difference of accuracies is +0.002 [-0.019, +0.024]. The source has 0.949 after up to 5,001 epochs of batches "
        "of 4. ResNet-18 in one of the folds (half width, 24 epochs): 0.859.",
        "Jurkat cells, 7 phases, 80 % labelled, one draw, 40 epochs, accuracy: OrgaNet 0.707 by its nearest centres "
        "(balanced 0.811) and 0.860 [0.821, 0.896] by its largest output (0.902); Mobincep 0.707, WaveM-CNN 0.704, "
        "both of half width; linear on 16 x 16 pixels 0.808 (0.670). With 50 and 20 % OrgaNet's centres have 0.750 "
        "and, for as many steps, 0.726 (0.825, 0.722).",
    ),
    limits=(
        "Prediction sets hold what they promise for images of the kind that calibrated: another microscope, stain or "
        "laboratory breaks the promise (coverslip study transfer measures by how much). Networks calibrate with images "
        "that also decided when to stop, which makes sets a little too small, and with few of them: with 15 of a class "
        "its coverage is between 0.78 and 1.00 in 95 of 100 fits. linear and knn calibrate on all labelled images, "
        "each judged by a head that was fitted without it (cross-conformal: proven is twice the error rate). A class "
        "with fewer than 9 calibrating images is compared with those of all classes, and nothing is promised of it "
        "alone. With retrain=true temperature and sets come from the fit before retraining: the weights that are kept "
        "have learned from the images that calibrated, so that nothing is promised of their sets.",
        "A class can be told by what should not count: the size of the canvas, its border, the file. Run coverslip "
        "study shortcut before you believe a high accuracy.",
        "With few held-out images (36 were) the best epoch by their loss is a poor choice, and stopping early too: "
        "patience=0 keeps the last epoch, after which the learning rate is nearly 0.",
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
