"""The card of the learned codec of slides."""

from coverslip.core import Card

CARD = Card(
    name="slide_codec",
    takes="fields",
    gives="slide_store",
    summary="A learned codec of H&E slides: one network for all rates, real bits, any window without seams.",
    citation=(
        "Ballé, Minnen, Singh, Hwang and Johnston, Variational image compression with a scale hyperprior, ICLR 2018 "
        "(rate and distortion); He et al., Checkerboard context model for efficient learned image compression, CVPR "
        "2021 (neighbours as the prior); Ballé, Johnston and Minnen, Integer networks for data compression, ICLR 2019."
    ),
    inputs="RGB images of 8 bits, (3, H, W), of any size: whole slides; to fit, fields of at least 192 pixels.",
    outputs="A slide store: a Zarr group whose levels decode chunk by chunk where they are read.",
    notation={
        "y": "latents, 96 numbers for 16² pixels, in steps of the quantiser at the middle level of quality",
        "gains": "by how much finer or coarser than that each of them is rounded at a level",
    },
    measured=("Not measured yet: 0 slides.",),
    limits=(
        "Fitted to H&E, mostly of breast and skin, 20x; other stains and fluorescence cost more bits or lose more.",
        "Colours of 8 bits only. Pixels are decoded on the processor, where alone they are exact.",
        "At 1:512 textures of chromatin are replaced by plausible ones: such a slide is an archive to look at, and no "
        "basis for a diagnosis.",
    ),
    losses=(
        "`bits` per pixel, `squared_error` in squared grey values, and `dissimilarity`, one minus the MS-SSIM, all "
        "over qualities drawn at random."
    ),
)
