"""The card of the learned codec of slides."""

from coverslip.core import Card

CARD = Card(
    name="slide_codec",
    takes="fields",
    gives="slide_store",
    summary="A learned codec of H&E slides: one network for all rates, real bits, any window.",
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
        "Shipped slide-codec (about 50 minutes of one core on BRCA-M2C, dsb2018_stained and CMU-1-Small-Region), on "
        "eight tiles of 512² of slides it was not fitted to (six of MoNuSeg, two of a frozen section), all bytes "
        "counted: at 1:512 21.9 dB [21.2, 22.6] and MS-SSIM 0.777 [0.740, 0.805], at 1:128 26.3 dB [25.6, 27.1] and "
        "0.923 [0.911, 0.933], at 1:48 29.7 dB and 0.969.",
        "The same tiles by AVIF at the best of three sizes: 22.0 and 0.787, 26.9 and 0.938, 30.7 and 0.977. BD-rate "
        "from .05 to 1 bit per pixel (PSNR, MS-SSIM): AVIF +17 %, +19 % (ours is larger); JPEG 2000 -1 %, -3 %; JPEG "
        "XL -7 %, -8 %; JPEG -28 %, -17 % (benchmarks/rate_distortion.py).",
        "Regions that are kept (`keep_roi`) are within 2 of 255 grey values of the slide, 44 dB, by 3.2 bits per pixel"
        " more on two tiles of CMU-1-Small-Region, 6.5 where tissue is dense; without any error for 5.5 on the two.",
        "Windows are equal to the same part of the whole, and to those decoded with 2 threads and SSE4.1 in another "
        "process.",
    ),
    limits=(
        "Pixels at most 2 from a border between tiles of 512² have 1.04 to 1.06 times the squared error of others on "
        "two slides at 1:128, up to 1.14 in parts of them, and at most 1.16 at 1:48 (benchmarks/slide_store.py).",
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
