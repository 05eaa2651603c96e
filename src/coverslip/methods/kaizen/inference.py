"""A fitted generator at work: proposals for points of an image, all of a round in one pass."""

from __future__ import annotations

from math import ceil

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from coverslip.core import Fitted
from coverslip.methods.kaizen.accepting import Proposal
from coverslip.methods.kaizen.config import Config
from coverslip.methods.kaizen.model import Generator
from coverslip.methods.kaizen.search import Search, as_probability
from coverslip.nn.objects import in_one_piece
from coverslip.nn.speed import Quick, Speed
from coverslip.nn.weights import put_weights
from coverslip.samples.opening.augment import turn

FITS = 0.8
"""Objects up to this share of a patch are shown at a scale."""
NEEDS = 0.5
"""Objects above this share of the patch at one scale may be shown at the next, too."""
_SHOWN = 0.9
"""Of what is wider than this share of a patch, the next scale shows more."""
_PARTLY = 0.75
"""Of its width, an object shows at least this share at the first look."""
_WAYS = (0, 4, 6, 2, 1, 3, 5, 7)
"""Symmetries of the square (see `coverslip.samples.opening.augment.turn`), flips before quarter turns."""
_BACK = {0: 0, 1: 3, 2: 2, 3: 1, 4: 4, 5: 5, 6: 6, 7: 7}
_AT_ONCE = 256
_SAME = 3.0
"""Proposals whose centres are nearer than this, in patch pixels, are of one object: one of them is looked at again."""
_STILL = 1.5
_AGREE = 0.5


def build(config: Config) -> Generator:
    """The network for some settings, with start weights."""
    return Generator(
        config.patch,
        width=config.width,
        codes=config.codes,
        code_dim=config.code_dim,
        groups=config.groups,
        learned_by=config.codebook,
        beta=config.beta,
    )


def network(fitted: Fitted) -> Generator:
    """Rebuild the network of a fitted model.

    Raises
    ------
    ModelError
        If the weights are not those of such a network.
    """
    assert isinstance(fitted.config, Config)
    model = build(fitted.config)
    put_weights(model, fitted.weights)
    return model.eval()


class Proposer:
    """A generator ready to propose objects.

    Parameters
    ----------
    fitted : Fitted
        A fitted Kaizen model.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"mps"``.
    speed : Speed
        How the network is run.
    number : int
        What its objects are marked with, where several generators compete.
    """

    def __init__(self, fitted: Fitted, *, device: str = "cpu", speed: Speed = "auto", number: int = 0) -> None:
        assert isinstance(fitted.config, Config)
        self.config, self.number = fitted.config, number
        self.patch = fitted.config.patch
        self.reach = ceil(max(fitted.config.scales) * self.patch / 2)
        """From a point to the centre of what is proposed for it, pixels at most."""
        self._quick = Quick(_Stacked(network(fitted)), device, speed)
        self.bytes = 8 * _AT_ONCE * self.patch**2 * self.config.width if self._quick.device == "cpu" else 0
        """Of this machine's memory, that the network takes at work: about two arrays of the widest level."""

    def __call__(
        self, light: np.ndarray, points: np.ndarray, search: Search, known: np.ndarray
    ) -> list[tuple[int, Proposal]]:
        """Propose an object for each point, at each scale.

        A point lies anywhere on its object. What is found there is looked at once more from its own centre, once for
        all points that lead to it.

        Parameters
        ----------
        light : ndarray of float32, shape (H, W)
            The image, or what is left of it.
        points : ndarray of int, shape (n, 2)
            Rows and columns.
        search : Search
            `mask` and `ways` count.
        known : ndarray, shape (m, 2)
            Centres of objects that were found in this light; they are not proposed again.

        Returns
        -------
        list of (int, Proposal)
            With the point that each comes from; points with nothing at them have none.
        """
        found: list[tuple[int, Proposal]] = []
        scales = sorted(self.config.scales)
        for i, scale in enumerate(scales):
            # Of what another scale shows better nothing is proposed.
            least = NEEDS * scales[i - 1] / scale * self.patch if i else 0
            most = _SHOWN * self.patch if i + 1 < len(scales) else self.patch
            found += self._at_scale(light, points, search, known, scale, (least, most))
        return found

    def _at_scale(
        self,
        light: np.ndarray,
        points: np.ndarray,
        search: Search,
        known: np.ndarray,
        scale: float,
        sides: tuple[float, float],
    ) -> list[tuple[int, Proposal]]:
        mask = search.mask
        seen = light if scale == 1 else _resized(light, scale)
        padded = np.pad(np.sqrt(np.maximum(seen, 0)), self.patch)
        at = np.rint((points + 0.5) / scale - 0.5).astype(np.intp)
        first = self._generate(padded, at)
        on = first[:, 0, self.patch // 2, self.patch // 2] >= min(mask, 0.5)
        centre, moved = _centres(first[:, 0], at, mask)
        least, most = sides
        new = _apart(centre, (known + 0.5) / scale - 0.5)
        origin = np.flatnonzero(on & new & _wide(first[:, 0] >= mask, _PARTLY * least, most))
        chosen = again = origin
        if search.ways:
            chosen = origin[_distinct(centre[origin], _expected_iou(first[origin, 0], first[origin, 0] >= mask))]
            far = np.abs(moved[chosen]).max(1, initial=0) >= _STILL
            again = chosen[far] if search.ways == 1 else chosen
        corner = at.copy()
        maps = first
        if len(again) and search.ways:
            second = self._generate(padded, centre[again], search.ways)
            good = _agreement(first[again, 0], at[again], second[:, 0], centre[again], mask) >= _AGREE
            maps[again[good]] = second[good]
            corner[again[good]] = centre[again[good]]
        corner = corner - self.patch // 2
        chosen = chosen[_wide(maps[chosen, 0] >= mask, least, most)]
        return [(int(i), p) for i in chosen if (p := self._proposal(maps[i], corner[i], mask, scale, light.shape))]

    def _generate(self, padded: np.ndarray, at: np.ndarray, ways: int = 1) -> np.ndarray:
        """Probability and light ``(n, 2, P, P)`` for points of an image that is padded by P.

        With several `ways` the mean over that many symmetries of the square: the point stays where the mark is, so
        that a turned patch begins one pixel later where it is flipped.
        """
        side = self.patch
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side + 1, side + 1))
        corner = at + side - side // 2
        y, x = np.clip(corner, 0, np.array(windows.shape[:2]) - 1).T
        out = np.empty((len(at), 2, side, side), np.float32)
        for start in range(0, len(at), _AT_ONCE // ways):
            part = slice(start, start + _AT_ONCE // ways)
            wide = torch.from_numpy(windows[y[part], x[part]])[:, None]
            seen = torch.cat([turn(wide, way)[..., :-1, :-1] for way in _WAYS[:ways]])
            found = self._quick(seen).cpu().chunk(ways)
            total = wide.new_zeros((len(wide), 2, side + 1, side + 1))
            count = wide.new_zeros((side + 1, side + 1))
            for way, maps in zip(_WAYS[:ways], found, strict=True):
                total += turn(F.pad(maps, (0, 1, 0, 1)), _BACK[way])
                count += turn(F.pad(torch.ones(side, side), (0, 1, 0, 1))[None, None], _BACK[way])[0, 0]
            out[part] = (total / count.clamp(min=1))[..., :-1, :-1].numpy()
        out[:, 1] **= 2
        if not self.config.masks:
            out[:, 0] = as_probability(out[:, 1])
        return out

    def _proposal(
        self, maps: np.ndarray, corner: np.ndarray, mask: float, scale: float, size: tuple[int, ...]
    ) -> Proposal | None:
        """One proposal in image pixels, in one piece, cut to its mask and the image."""
        if scale != 1:
            side = round(self.patch * scale)
            maps = F.interpolate(torch.from_numpy(maps)[None], (side, side), mode="bilinear")[0].numpy()
            corner = np.rint((corner + 0.5) * scale - 0.5).astype(np.intp)
        inside = in_one_piece(maps[0] >= mask)
        inside[: max(-corner[0], 0)] = False
        inside[max(size[0] - corner[0], 0) :] = False
        inside[:, : max(-corner[1], 0)] = False
        inside[:, max(size[1] - corner[1], 0) :] = False
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        if not len(rows):
            return None
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        shape = inside[box]
        return Proposal(
            top=int(corner[0] + rows[0]),
            left=int(corner[1] + columns[0]),
            probability=maps[0][box].copy(),
            mask=shape,
            light=np.where(shape, maps[1][box], 0).astype(np.float32),
            confidence=float(_expected_iou(maps[0], maps[0] >= mask)),
            generator=self.number,
        )


class _Stacked(nn.Module):
    """The generator as `Quick` wants it: one tensor in, one out."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        generated = self.generator(patches)
        return torch.stack([torch.sigmoid(generated.mask.float()), generated.pixels.float()], 1)


def _wide(inside: np.ndarray, least: float, most: float) -> np.ndarray:
    """Whether masks ``(n, P, P)`` are as wide, in their wider direction."""
    extent = np.maximum(inside.any(1).sum(1), inside.any(2).sum(1))
    return np.asarray((extent >= least) & (extent <= most))


def _centres(probability: np.ndarray, at: np.ndarray, mask: float) -> tuple[np.ndarray, np.ndarray]:
    """Centroids of masks ``(n, P, P)``, rounded to pixels of the image, and how far they are from the points."""
    inside = (probability >= mask).astype(np.float32)
    side = inside.shape[-1]
    steps = np.arange(side, dtype=np.float32) - side // 2
    area = np.maximum(inside.sum((1, 2)), 1)
    moved = np.stack([(inside.sum(2) @ steps) / area, (inside.sum(1) @ steps) / area], 1)
    return at + np.rint(moved).astype(np.intp), moved


def _expected_iou(probability: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Of masks ``(..., P, P)``, if each pixel is of the object with its probability: the ratio of expected areas."""
    shared = np.where(mask, probability, 0).sum((-2, -1))
    return np.asarray(shared / (mask.sum((-2, -1)) + np.where(mask, 0, probability).sum((-2, -1)) + 1e-6))


def _distinct(centre: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Of points nearer than `_SAME` to each other, the one of most confidence; indices."""
    from scipy.spatial import cKDTree

    if len(centre) < 2:
        return np.arange(len(centre))
    near = cKDTree(centre).query_ball_point(centre, _SAME)
    taken = np.zeros(len(centre), bool)
    kept = []
    for i in np.argsort(-confidence, kind="stable"):
        if not taken[i]:
            kept.append(i)
            taken[near[i]] = True
    return np.array(kept, np.intp)


def _apart(centre: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Whether points are not nearer than `_SAME` to any that are known."""
    from scipy.spatial import cKDTree

    if not len(known):
        return np.ones(len(centre), bool)
    return np.asarray(cKDTree(known).query(centre)[0] >= _SAME)


def _agreement(first: np.ndarray, at: np.ndarray, second: np.ndarray, moved_to: np.ndarray, mask: float) -> np.ndarray:
    """IoU of masks of patches around two points each, ``(n,)``."""
    side = first.shape[-1]
    found = np.zeros(len(first))
    for i, (down, right) in enumerate(moved_to - at):
        a, b = first[i] >= mask, second[i] >= mask
        rows, columns = (slice(max(s, 0), side + min(s, 0)) for s in (down, right))
        there, across = (slice(max(-s, 0), side + min(-s, 0)) for s in (down, right))
        shared = int((a[rows, columns] & b[there, across]).sum())
        found[i] = shared / max(int(a.sum()) + int(b.sum()) - shared, 1)
    return found


def _resized(light: np.ndarray, scale: float) -> np.ndarray:
    size = [max(1, round(length / scale)) for length in light.shape]
    x = torch.from_numpy(np.ascontiguousarray(light))[None, None]
    return np.asarray(F.interpolate(x, size=size, mode="bilinear", antialias=scale > 1)[0, 0].numpy())
