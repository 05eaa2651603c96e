"""Which channels of each image are meant: by name where names are known, whatever order a file has them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from coverslip.core import Fields, InputError, Region
from coverslip.core.words import number_of
from coverslip.samples.opening.planes import pick_channels


@dataclass
class Channels:
    """What is asked of the channels of some images, resolved in one image after the other.

    Parameters
    ----------
    wanted : sequence of str or int, optional
        Which channels, by name or by number; default: all.
    expected : sequence of str
        Names of the channels that a model was fitted to, in its order: images that name their channels must have
        these, wherever they are; those without names are taken as they are.
    order : tuple of str
        The names that numbers count in, and that all images should have: those of the first image that has any.
    """

    wanted: Sequence[str | int] | None = None
    expected: Sequence[str] = ()
    order: tuple[str, ...] = ()
    _known: dict[tuple[tuple[str, ...], int], tuple[int, ...]] = field(default_factory=dict, repr=False)

    def of(self, names: tuple[str, ...], count: int, source: str) -> tuple[int, ...]:
        """The positions of the channels meant in an image that has so many, and names them so (empty: unknown).

        Raises
        ------
        InputError
            If they cannot be told.
        """
        self.order = self.order or names
        if (names, count) not in self._known:
            self._known[names, count] = tuple(self._found(names, count, source))
        return self._known[names, count]

    def _found(self, names: tuple[str, ...], count: int, source: str) -> Sequence[int]:
        if self.expected and names:
            found = places(names, self.expected)
            if found is None and not len(self.expected) == count == 1:  # one channel has no order to be wrong
                raise InputError(
                    f"{source} has the channels {', '.join(names)}, but the model was fitted to "
                    f"{', '.join(self.expected)}: choose them in this order with --channels (or --planes, for focal "
                    "planes)."
                )
            return found or [0]
        alike = places(names, self.order) if len(names) == len(self.order) else None
        if self.wanted is not None:
            known, at = (self.order, alike) if alike else (names, range(count))
            return [at[i] for i in pick_channels(known, count, self.wanted, source)]
        if names and not alike and len(names) == len(self.order) > 1:
            raise InputError(
                f"{source} has the channels {', '.join(names)}, but images before it {', '.join(self.order)}; choose "
                "those that all have with --channels (numbers count in each image then), or leave the image out."
            )
        return alike or range(count)


def as_expected(names: Sequence[str], expected: Sequence[str]) -> None:
    """Refuse what is in memory already, where it has other channels than a model knows, or in another order.

    Raises
    ------
    InputError
        Naming both.
    """
    if names and expected and len(names) > 1 and places(names, expected) != list(range(len(names))):
        raise InputError(
            f"The images have the channels {', '.join(names)}, but the model was fitted to {', '.join(expected)}; give "
            "them in this order."
        )


def places(names: Sequence[str], wanted: Sequence[str]) -> list[int] | None:
    """Where the wanted names are among others, capitals aside; None if one is missing or it is unclear which."""
    if tuple(names) == tuple(wanted):
        return list(range(len(names)))
    keys, asked = ([name.strip().casefold() for name in some] for some in (names, wanted))
    if len(set(keys)) < len(keys) or not set(asked) <= set(keys):
        return None
    return [keys.index(key) for key in asked]


def other_channels(fields: Fields, index: int, inputs: int) -> str:
    """A sentence on a field that has another number of channels than a model was fitted to, and what helps.

    A picture in colours is no set of stains to choose from: taken by itself, a channel of it would give objects, and
    wrong ones.
    """
    names = fields.channels_of(index)
    listed = f" ({', '.join(names)})" if names else ""
    said = (
        f"{fields.name(index)} has {number_of(fields.count, 'channel')}{listed}, but the model was fitted to {inputs}: "
    )
    if fields.count == 3 and inputs == 1 and tuple(name.casefold() for name in names) == RGB:
        dark = np.median(_look(fields, index)) < _DARK
        if dark:
            return said + (
                "it is a picture in colours on a dark ground, so take the channel that holds the stain, such as "
                "--channels blue."
            )
        return said + (
            "it is a picture in colours taken in transmitted light, as of stained tissue or smears, which this model "
            f"does not know. {OTHER_MODELS}"
        )
    return said + "choose them with --channels (or --planes, for focal planes)."


OTHER_MODELS = (
    "For pictures in transmitted light there are he-nuclei (stained sections) and cells-phase (phase contrast); for "
    "others, such as smears and brightfield, fit one of your own to masks or strokes: coverslip fit unet."
)
"""What to do with pictures that are no fluorescence."""

RGB = ("red", "green", "blue")
"""Names of the channels of a picture in colours."""
_DARK = 90
"""Below this the ground of an 8-bit picture is dark: stained tissue lies on white."""


def _look(fields: Fields, index: int) -> np.ndarray:
    """The middle of a field."""
    height, width = fields.size(index)
    side = min(height, width, 512)
    return fields.pixels(index, Region((height - side) // 2, (width - side) // 2, side, side))
