"""What Kaizen is compared with, each as a function from fields to what it finds in one after the other.

StarDist and Cellpose take part only where they are installed and weights are given: none is fetched.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import coverslip as cs
from coverslip.core.fields import Fields
from coverslip.samples import find_nuclei

Peer = Callable[[Fields], Iterator[Any]]
"""Label images, or decompositions."""


def add_peers(parser: argparse.ArgumentParser) -> None:
    """The options that name the peers."""
    parser.add_argument("--kaizen", type=Path, help="folder of a model, or the name of one that is shipped")
    parser.add_argument("--unet", type=Path, help="the same")
    parser.add_argument("--stardist", type=Path, help="folder of a StarDist model")
    parser.add_argument("--cellpose", type=Path, help="file of Cellpose weights")
    parser.add_argument("--device", default="auto")


def chosen_peers(given: argparse.Namespace) -> dict[str, Peer]:
    """The peers that are there; for each that is not, a line says why."""
    peers: dict[str, Peer] = {"Otsu + watershed": classical}
    made = {"unet": of_model, "kaizen": of_model, "stardist": stardist, "cellpose": cellpose}
    for name, make in made.items():
        weights = getattr(given, name)
        if weights is None:
            print(f"{name} is left out: no weights are given (--{name}).")
        elif make is not of_model and find_spec(name) is None:
            print(f"{name} is left out: it is not installed.")
        else:
            peers[name] = make(weights, given.device)
    return peers


def classical(fields: Fields) -> Iterator[Any]:
    """Otsu's threshold and a watershed of the distances."""
    for i in range(len(fields)):
        yield find_nuclei(fields.image(i)).labels


def of_model(folder: Path, device: str) -> Peer:
    """A model of Coverslip: labels, or decompositions where it makes them."""
    model = cs.load(folder)

    def peer(fields: Fields) -> Iterator[Any]:
        return iter(cs.predict(model, fields, device=device))

    return peer


def stardist(folder: Path, device: str) -> Peer:
    """A StarDist model, with the normalisation its authors use."""
    from csbdeep.utils import normalize
    from stardist.models import StarDist2D

    model = StarDist2D(None, name=folder.name, basedir=str(folder.parent))

    def peer(fields: Fields) -> Iterator[Any]:
        for i in range(len(fields)):
            yield model.predict_instances(normalize(fields.pixels(i)[0], 1, 99.8))[0]

    return peer


def cellpose(file: Path, device: str) -> Peer:
    """Cellpose (4 or later) with its defaults."""
    from cellpose.models import CellposeModel

    model = CellposeModel(gpu=device not in ("auto", "cpu"), pretrained_model=str(file))

    def peer(fields: Fields) -> Iterator[Any]:
        for i in range(len(fields)):
            yield model.eval(fields.pixels(i)[0])[0]

    return peer
