"""Names of channels, as many as an image has channels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coverslip.core import Image, InputError
from coverslip.core.words import number_of


def channel_names(image: Image, channels: Sequence[str], path: Path) -> tuple[str, ...]:
    """Those that are given, else the image's own, as they are written to `path`.

    Raises
    ------
    InputError
        If they are more or fewer than the channels.
    """
    names, count = tuple(channels) or image.channels, image.sizes.get("C", 1)
    if names and len(names) != count:
        raise InputError(f"{path}: {number_of(len(names), 'channel name')} for {number_of(count, 'channel')}.")
    return names
