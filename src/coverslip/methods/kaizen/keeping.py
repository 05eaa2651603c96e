"""What was found in a part of an image as plain arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from coverslip.methods.kaizen.accepting import Proposal
from coverslip.methods.kaizen.explaining import Accepted, Round

_WHOLE = ("top", "left", "generator", "pass", "round", "height", "width")


def packed(loss: float, objects: Sequence[Accepted], rounds: Sequence[Round]) -> dict[str, np.ndarray]:
    """The loss of a part without objects, its objects and its rounds; crops of all objects end to end."""
    proposals = [one.proposal for one in objects]
    facts = [(p.top, p.left, p.generator, *one.at, *p.mask.shape) for p, one in zip(proposals, objects, strict=True)]

    def joined(name: str, kind: type) -> np.ndarray:
        return np.concatenate([np.zeros(0, kind), *(getattr(p, name).ravel() for p in proposals)]).astype(kind)

    return {
        "loss": np.array(loss),
        "rounds": np.array(rounds, np.float64).reshape(-1, 5),
        "facts": np.array(facts, np.int64).reshape(-1, len(_WHOLE)),
        "gain": np.array([one.gain for one in objects], np.float64),
        "confidence": np.array([p.confidence for p in proposals], np.float64),
        "mask": joined("mask", bool),
        "probability": joined("probability", np.float32),
        "light": joined("light", np.float32),
    }


def unpacked(arrays: Mapping[str, np.ndarray]) -> tuple[float, list[Accepted], list[Round]]:
    """What `packed` was given."""
    facts = dict(zip(_WHOLE, arrays["facts"].T.tolist(), strict=True))
    sizes = list(zip(facts["height"], facts["width"], strict=True))
    ends = np.cumsum([height * width for height, width in sizes])[:-1]
    masks, probabilities, lights = (
        [crop.reshape(size) for crop, size in zip(np.split(arrays[name], ends), sizes, strict=False)]
        for name in ("mask", "probability", "light")
    )
    proposals = map(
        Proposal,
        facts["top"],
        facts["left"],
        probabilities,
        masks,
        lights,
        arrays["confidence"].tolist(),
        facts["generator"],
    )
    at = zip(facts["pass"], facts["round"], strict=True)
    objects = [Accepted(*one) for one in zip(proposals, at, arrays["gain"].tolist(), strict=True)]
    rounds = [(int(a), int(b), int(c), int(d), gain) for a, b, c, d, gain in arrays["rounds"].tolist()]
    return float(arrays["loss"]), objects, rounds
