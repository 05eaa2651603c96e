"""The card of the adaptable VAE."""

from coverslip.core import Card

CARD = Card(
    name="vae",
    takes="samples",
    gives="embedding",
    summary="A variational autoencoder whose depth follows the image size: one short vector per cell, without labels.",
    citation=(
        "Anna Kovács, Unsupervised Deep Learning to Study Microscopy Images: Leveraging Adaptable Variational "
        "Autoencoders for Microscopy-Based Cell Fate Analysis, degree project, KTH Royal Institute of Technology "
        "(chapters 3-4, Appendix A); beta-VAE: Higgins et al., ICLR 2017; VAE: Kingma and Welling, 2014."
    ),
    inputs=(
        "Equally sized crops of single cells, (N, C, H, W), any channel count, H and W at least 8 pixels, any dtype."
    ),
    outputs="An Embedding: the posterior mean of each crop, (N, latent) float32, dimensionless, near N(0, 1) per axis.",
    notation={
        "x, x̂": "a crop scaled to [0, 1] and its reconstruction",
        "z, mu, logvar": "latent vector, mean and log-variance of its posterior q(z|x) = N(mu, exp(logvar))",
        "beta": "weight of the KL term in the loss",
        "L": "number of down-sampling blocks, the depth",
    },
    measured=(
        "Jurkat cell cycle (1,675 cells, 7 phases), linear probe, 5 folds by cell divided twice; VAE, PCA and probe "
        "fitted on the training cells only; likelihood=gaussian, orientation=free, epochs=40 "
        "(benchmarks/jurkat_probe.py). Balanced accuracy of the VAE, of PCA of equal size on the same input, and the "
        "difference: latent 10: 0.797, 0.755, 0.042 [-0.023, 0.115]; 20: 0.798, 0.753, 0.045 [-0.006, 0.093]; 32: "
        "0.813, 0.753, 0.060 [0.021, 0.102]; 2: 0.748, 0.581, 0.167 [0.116, 0.222]. Raw pixels: 0.666 [0.627, 0.711]. "
        "Only 2 and 32 are clear of 0, for there are 10 anaphases and 19 telophases. The settings were chosen inside "
        "70 % of the cells; on the other 30 % the differences are 0.081, 0.059 and 0.051 at 10, 20 and 32.",
        "The same cells, interphase against mitosis: a tie. VAE 0.898, 0.899, 0.894 at 10, 20 and 32; PCA 0.886, "
        "0.893, 0.899; raw pixels 0.904 [0.889, 0.919]. At latent 2, PCA of the grey values as stored is better by "
        "0.013 [0.005, 0.022].",
        "What the two options bring (latent 10, 7 phases, validation folds inside the 70 %, one run each of an earlier "
        "prototype of the same network, noise about 0.04): the default 0.629; its vectors averaged over the 8 "
        "orientations 0.753; both options 0.804.",
        "The depth rule, nuclei of BBBC039 resized, settings of the source, validation loss (benchmarks/vae_depth.py): "
        "best at 40 x 40 pixels; at 20, 80 and 140 one block more is better by 11 %, 2.4 % and 1.0 %, and two blocks "
        "more mostly collapse.",
        "Training throughput of mp4 at 2 x 140 x 140, batch 64, on two cores with bfloat16: 1.92 x a plain fp32 loop "
        "(benchmarks/vae_throughput.py).",
    ),
    limits=(
        "With the default squared error the weight of the KL term depends on contrast and image size: on small or dim "
        "crops beta 1 leaves latents unused (a warning says so); likelihood=gaussian adapts by itself.",
        "Vectors depend on how a cell lies, unless orientation=free.",
        "Intensities beyond the 0.1 and 99.9 percentiles of the training samples are clipped; where rare bright cells "
        "matter, set percentiles=[0,100].",
        "Reconstructions are smooth: texture finer than a few pixels is lost.",
        "All crops must have one size and dtype; nothing is rescaled.",
    ),
    losses="Every term is a sum over the pixels of one image, averaged over the images.",
)
