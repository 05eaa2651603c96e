"""Why a library failed, in a few words that fit into one sentence."""

from __future__ import annotations


def reason(error: BaseException) -> str:
    """The first line of an error's message, cut to 160 characters, without a full stop; its kind where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".")[:160] if lines else type(error).__name__
