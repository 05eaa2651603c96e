"""The documentation that lies in a package."""

from __future__ import annotations

import re

from coverslip.nn.portable import Portable
from coverslip.portable.about import About
from coverslip.portable.example import halo
from coverslip.portable.onnx_file import RUNTIMES

POSTPROCESSING = "postprocessing.py"
"""The file in a package that makes objects of maps."""

TORCH = "2.0"
"""The oldest PyTorch that is named: the operators of a traced network and the layout of its file are older still."""


def readme(portable: Portable, about: About, decisions: str) -> str:
    """Markdown: how to use the model, what it is worth, and its card.

    Parameters
    ----------
    portable : Portable
        The network.
    about : About
        The model in words.
    decisions : str
        Where the example comes from, a sentence.
    """
    assert portable.percentiles is not None  # those of networks that segment, as all packages are of
    low, high = portable.percentiles
    outputs = "\n".join(f"- `{output.name}`: {output.description}" for output in portable.outputs)
    channels = ", ".join(f"`{name}`" for name in portable.inputs)
    numbers = about.numbers or "The card below has the numbers there are."
    return f"""# {about.name}

{about.summary}

Made with Coverslip (`coverslip export MODEL --bioimageio`); there, `coverslip predict` runs all of the steps below.

## How to use it

**Input.** Grey values of {channels}, any bit depth, height and width multiples of {portable.multiple} (continue
other images below and on the right by mirroring them so that the last row and column come twice, as `numpy.pad` does
with `mode="symmetric"`). The preprocessing that this package names scales each image and channel so that the
percentiles {low:g} and {high:g} become 0 and 1; do not clip, the network does. Take the percentiles of the whole image,
also where it is seen tile by tile. Coverslip takes the brightest pixel for the upper end where both percentiles are
equal (a few bright spots in the dark), and those of 64 windows for images of more than 16 megapixels.

**Tiles.** {halo(portable)} pixels at the border of a tile are not those of the whole image: let tiles overlap and cut
them off. At the border of an image Coverslip adds nothing, so that values there may differ a little from those of
programs that do.

**Output.** One channel each:

{outputs}

**Objects.** {portable.afterwards} The file `{POSTPROCESSING}` in this package does just that.

**Programs.** The ONNX weights, where there are such, open in {RUNTIMES}; the TorchScript weights in PyTorch
{TORCH} and newer.

## Training data

{about.data}

## Validation

{numbers}

To check the model on images of your own, draw masks for some of them that were not used to fit it, and compare
objects at an intersection over union of 0.5 and more: `coverslip evaluate RESULT SHEET` prints average precision,
panoptic quality and boundary distances with intervals. {decisions}

## Card

{_lowered(about.card)}
"""


def _lowered(card: str) -> str:
    """A card with its headings two levels down."""
    return re.sub(r"^(#+ )", r"##\1", card.strip(), flags=re.MULTILINE)
