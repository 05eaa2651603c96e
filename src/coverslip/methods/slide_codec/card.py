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
    measured=(
        "A fit of 36 epochs (about 35 minutes of one core) on the 32 training tiles of BRCA-M2C, dsb2018_stained and "
        "half of CMU-1-Small-Region; tiles of 512² of other patients (2 of BRCA-M2C, 2 of MoNuSeg), all bytes counted, "
        "means: at 1:128 24.3 dB [23.0, 25.8], MS-SSIM 0.916 [0.897, 0.929]; at 1:48 27.5 dB, 0.963. So "
        "short a fit is no end: the loss was still falling.",
        "Beside AVIF with the best shrinking at each rate, on 3 of these tiles in one run: at 1:512 20.8 dB and 0.771, "
        "as AVIF (20.9, 0.772); at 1:128 behind, 24.9 dB and 0.916 against 25.4 and 0.925; BD-rate from .05 to 1 bit "
        "per pixel +14 % (PSNR), +10 % (MS-SSIM): AVIF is smaller.",
        "Windows are equal to the same part of the whole, and to those decoded with 2 threads and SSE4.1 in another "
        "process, on all bytes of a slide of 2,967 x 2,220 pixels.",
    ),
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
