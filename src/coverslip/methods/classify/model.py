"""The networks: trunks over any channels and sizes, and a linear head over the mean of their last maps."""

from __future__ import annotations

from math import ceil, log2

import torch
from torch import Tensor, nn

from coverslip.methods.classify.config import Config
from coverslip.methods.classify.wavelet import Split
from coverslip.nn.depthwise import quick_depthwise
from coverslip.nn.trunk import Trunk, stem_for

_LAST = 2
"""Pixels that the last maps should at least have along a side: smaller images are halved less often."""


def unhalved(side: int, halvings: int) -> int:
    """How many of a trunk's halvings are left out, from the first on, for images of this smallest side."""
    return min(halvings, max(0, halvings - int(log2(max(side, _LAST) / _LAST))))


class ConvNormReLU(nn.Sequential):
    """Convolution of any kind, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Separable(nn.Sequential):
    """Depth-wise 3 x 3, then point-wise convolution, each with normalisation and ReLU (Howard et al. 2017)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            ConvNormReLU(inputs, inputs, 3, stride=stride, groups=inputs), ConvNormReLU(inputs, outputs, 1)
        )


class Inception(nn.Module):
    """Four branches side by side: 1 x 1, 3 x 3, 5 x 5 and average pooling, the latter three behind 1 x 1."""

    def __init__(self, inputs: int, each: int) -> None:
        super().__init__()
        less = max(1, each // 2)
        self.one = ConvNormReLU(inputs, each, 1)
        self.three = nn.Sequential(ConvNormReLU(inputs, less, 1), ConvNormReLU(less, each, 3))
        self.five = nn.Sequential(ConvNormReLU(inputs, less, 1), ConvNormReLU(less, each, 5))
        self.pooled = nn.Sequential(
            nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), ConvNormReLU(inputs, each, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``(N, 4 each, H, W)``."""
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], dim=1)


class Separables(nn.Module):
    """A first convolution, perhaps an inception module, and a stack of separable ones.

    Parameters
    ----------
    channels : int
        Of the images.
    stack : sequence of (int, int)
        Channels and stride of each separable convolution.
    first : int
        Channels of the first convolution, which halves the size.
    inception : int
        Channels of each branch; 0: no such module.
    side : int
        Smallest side of the images: small ones are halved less often.
    """

    def __init__(self, channels: int, stack: list[tuple[int, int]], *, first: int, inception: int, side: int) -> None:
        super().__init__()
        strides = [2, *(stride for _, stride in stack)]
        left_out = unhalved(side, strides.count(2))
        for i, stride in enumerate(strides):
            if stride == 2 and left_out:
                strides[i], left_out = 1, left_out - 1
        self.buffer = ConvNormReLU(channels, first, 3, stride=strides[0])
        self.inception: nn.Module = Inception(first, inception) if inception else nn.Identity()
        at, layers = 4 * inception or first, []
        for (outputs, _), stride in zip(stack, strides[1:], strict=True):
            layers.append(Separable(at, outputs, stride))
            at = outputs
        self.stack = nn.Sequential(*layers)
        self.features = at
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")

    def maps(self, x: Tensor) -> Tensor:
        """The last maps ``(N, features, h, w)``."""
        found: Tensor = self.stack(self.inception(self.buffer(x)))
        return found


_MOBILENET = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
"""MobileNet version 1 (Howard et al. 2017, table 1) behind its first convolution."""

_MOBINCEP = [(128, 2), (256, 1), (256, 2), (512, 1), (512, 2), *[(512, 1)] * 6, (1024, 2), (1552, 1)]
"""The source gives no widths, but 4.3 million parameters in all: these have 4.30 with 3 channels and 2 classes."""


def mobilenet(channels: int, side: int, width: float = 1.0) -> Separables:
    """The trunk of MobileNet version 1."""
    return Separables(channels, _widened(_MOBILENET, width), first=_even(32, width), inception=0, side=side)


def mobincep(channels: int, side: int, width: float = 1.0) -> Separables:
    """The trunk of Mobincep: a buffer convolution, an inception module, separable convolutions (seed 5.4.1)."""
    stack = _widened(_MOBINCEP, width)
    return Separables(channels, stack, first=_even(32, width), inception=_even(32, width), side=side)


def _widened(stack: list[tuple[int, int]], width: float) -> list[tuple[int, int]]:
    return [(_even(outputs, width), stride) for outputs, stride in stack]


def _even(channels: int, width: float) -> int:
    """A width that is a multiple of 8: others are slow."""
    return max(8, 8 * round(channels * width / 8))


class WaveM(nn.Module):
    """A trunk of MobileNet on each of the four bands of a wavelet transform, their maps together (6.3.3)."""

    def __init__(self, channels: int, side: int, width: float, wavelet: str) -> None:
        super().__init__()
        self.split = Split(wavelet)
        trunks = [mobilenet(channels, ceil(side / 2), width) for _ in range(4)]
        self.bands = nn.ModuleList(trunks)
        self.features = sum(trunk.features for trunk in trunks)

    def maps(self, x: Tensor) -> Tensor:
        """The last maps ``(N, features, h, w)``."""
        bands = self.split(x)
        return torch.cat([trunk.maps(band) for trunk, band in zip(self.bands, bands, strict=True)], dim=1)  # type: ignore[operator]


class MobileNetV2(nn.Module):
    """The feature extractor of torchvision's MobileNet version 2 (Sandler et al. 2018), for any channels.

    Parameters
    ----------
    channels : int
        Of the images.
    side : int
        Their smallest side: small ones are halved less often.
    adapted : bool
        As in OrgaNet, a layer before it brings large images to about 224 pixels and any channels to 3: a 5 x 5
        convolution and batch normalisation, with a stride for sides from 336 on (the source does not say how 382
        becomes 224; a single convolution of stride 1 would need a kernel of 159).
    """

    def __init__(self, channels: int, side: int, *, adapted: bool) -> None:
        super().__init__()
        from torchvision.models import mobilenet_v2

        self.adaptation: nn.Module = nn.Identity()
        if adapted:
            stride = max(1, round(side / 224))
            self.adaptation = nn.Sequential(
                nn.Conv2d(channels, 3, 5, stride=stride, padding=2, bias=False), nn.BatchNorm2d(3)
            )
            channels, side = 3, ceil(side / stride)
        network = mobilenet_v2(weights=None).features
        halving = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]
        for convolution in halving[: unhalved(side, len(halving))]:
            convolution.stride = (1, 1)
        if channels != 3:
            network[0][0] = nn.Conv2d(channels, 32, 3, stride=network[0][0].stride, padding=1, bias=False)
            nn.init.kaiming_normal_(network[0][0].weight, mode="fan_out")
        self.network = network
        self.features = 1280

    def maps(self, x: Tensor) -> Tensor:
        """The last maps ``(N, 1280, h, w)``."""
        found: Tensor = self.network(self.adaptation(x))
        return found


class Pixels(nn.Module):
    """What linear and knn look at where no model gives features: the images, averaged down to 16 x 16."""

    side = 16

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.features = channels * self.side**2

    def maps(self, x: Tensor) -> Tensor:
        """All averages as channels of one pixel, ``(N, features, 1, 1)``."""
        return nn.functional.adaptive_avg_pool2d(x, self.side).flatten(1)[:, :, None, None]


class Neighbours(nn.Module):
    """Class shares among the nearest training images, by the cosine of their features; as logits.

    Parameters
    ----------
    features, images, classes : int
        Length of a vector, training images, classes.
    """

    known: Tensor
    codes: Tensor
    nearest: Tensor

    def __init__(self, features: int, images: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.count = 0
        """How many neighbours, once it is certain; 0: as the buffer says."""
        self.register_buffer("known", torch.zeros(images, features))
        self.register_buffer("codes", torch.zeros(images, dtype=torch.long))
        self.register_buffer("nearest", torch.tensor(1))

    def forward(self, h: Tensor) -> Tensor:
        """Logarithms of ``(votes + 1 / K) / (k + 1)``, ``(N, K)``."""
        found = (nn.functional.normalize(h, dim=1) @ self.known.T).topk(self.count or int(self.nearest), dim=1).indices
        votes = nn.functional.one_hot(self.codes[found], self.classes).sum(1).float()
        return ((votes + 1 / self.classes) / (votes.sum(1, keepdim=True) + 1)).log()


class Classifier(nn.Module):
    """Trunk and head; the images are brought to mean 0 and deviation 1 first, the features likewise where given.

    Parameters
    ----------
    trunk : nn.Module
        With ``maps`` and ``features``.
    head : nn.Module
        From features to one number per class.
    channels : int
        Of the images.
    """

    mean: Tensor
    deviation: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, trunk: nn.Module, head: nn.Module, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))
        features = int(trunk.features)  # type: ignore[arg-type]
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.trunk = trunk
        self.head = head

    def maps(self, x: Tensor) -> Tensor:
        """The last maps ``(N, F, h, w)`` of images ``(N, C, H, W)`` with values in about [0, 1]."""
        found: Tensor = self.trunk.maps((x - self.mean[:, None, None]) / self.deviation[:, None, None])  # type: ignore[operator]
        return found

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features ``(N, F)`` and logits ``(N, K)``, float32, of images ``(N, C, H, W)``."""
        h = (self.maps(x).float().mean((2, 3)) - self.centre) / self.spread
        return h, self.head(h).float()


def build(
    config: Config, shape: tuple[int, int, int], classes: int, *, start: dict[str, object] | None = None, known: int = 0
) -> Classifier:
    """The network of some settings for images ``(C, H, W)``, with drawn start weights.

    Parameters
    ----------
    config : Config
        Settings.
    shape : tuple of int
        Channels, height and width that the network is shown.
    classes : int
        How many.
    start : dict, optional
        ``trunk``, ``width`` and ``stem`` of the model whose trunk is taken over.
    known : int
        Training images that knn remembers.
    """
    channels, height, width = shape
    side = min(height, width)
    trunk: nn.Module
    if start is not None:
        stem = stem_for(str(start["stem"]), height, width)
        trunk = Trunk(str(start["trunk"]), channels, int(str(start["width"])), stem=stem)
    elif config.network == "mobincep":
        trunk = mobincep(channels, side, config.width)
    elif config.network == "wavem_cnn":
        trunk = WaveM(channels, side, config.width, config.wavelet)
    elif config.network in ("organet", "mobilenet_v2"):
        trunk = MobileNetV2(channels, side, adapted=config.network == "organet")
    elif config.network == "resnet18":
        trunk = Trunk("resnet18", channels, _even(64, config.width), stem=stem_for("auto", height, width))
    else:
        trunk = Pixels(channels)
    features = int(trunk.features)
    head: nn.Module = Neighbours(features, known, classes) if config.network == "knn" else nn.Linear(features, classes)
    if config.network == "wavem_cnn":
        nn.init.trunc_normal_(head.weight, std=0.001)  # type: ignore[arg-type]
    network = Classifier(trunk, head, channels)
    quick_depthwise(network)
    return network
