"""Kinds of results, one folder each; they are found by folder, so there is no list to edit.

The ``__init__`` of each holds its `KIND` (`coverslip.core.kind.Kind`). What the verbs that it lists are given:

=============  =======================================================================================================
``open``       ``(path)``: the result, opened
``predict``    ``(model, inputs, asked, options, given)``: the result in memory, or a list of several
``write``      ``(model, inputs, out, asked, options, given)``: a `coverslip.core.kind.Written`
``evaluate``   ``(result, truth, images, seed, options)``: a `coverslip.core.kind.Measured`; the result opened or not
``measure``    ``(labels, images, how, options)``: a table of objects; ``how`` are channels and planes that were given
``refine``     ``(result, remake, given)``: a `Written`; ``remake`` makes objects of the maps kept with them
``correct``    ``(result, labels)``: a `Written`; labels of each image, corrected by hand, written into the result
``report``     ``(result, page, model, images, options)``: the path of the page; the model where it is found, else None
``label``      ``(named, cells, names, out, force, options, path)``: a `Written`; ``named`` is a result or a model
``export``     ``(result, out, images, force, options)``: a `Written` for each path
``layers``     ``(result)``: layers of napari, tuples of data, settings and type; the result opened or as predicted
``decode``     ``(result, out, force, options)``: a `Written`; the pixels of what is compressed
``vectors``    ``(result, patches)``: vectors of its patches, an Embedding, and notes; of slides, to be searched
``embed``      ``(model, inputs, patches, level)``: the same of slides and images that are no results yet
``score``      ``(model, inputs, parts, label, device)``: numbers on held-out inputs, for a sweep
``columns``    ``(value)``: what it says of each sample, as columns of a table
``counted``    ``(values)``: what several say together, in a few words
``describe``   ``(labels, out, force, describe, shape, how, cut, record)``: columns for objects, from crops around them
``card``       ``(model, samples, device)``: tables by heading for the card of a fit to these samples
``to_file``    ``(value, path)``: a value in memory as a file, for studies
``segment``    ``(model, inputs, device)``: label maps one after the other, where objects are found
=============  =======================================================================================================

``asked`` is a `coverslip.work.asked.Asked`, ``page`` a `coverslip.figures.document.Page`, ``options`` those of the
kind, and ``given`` those of the method that were given.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from coverslip.core import InputError, Kind
from coverslip.core.provenance import odd_entry


def __dir__() -> list[str]:
    return ["get", "kind_of", "names", "opened"]


def names() -> list[str]:
    """Names of the kinds there are."""
    return sorted(module.name for module in iter_modules(__path__) if module.ispkg)


def get(name: str) -> Kind:
    """A kind by its name.

    Raises
    ------
    InputError
        If there is none; the message lists those there are.
    """
    if name not in names():
        raise InputError(f"There is no kind of result '{name}'; the kinds are: {', '.join(names())}.")
    kind: Kind = import_module(f"{__name__}.{name}").KIND
    return kind


def kind_of(result: Any) -> Kind:
    """The kind of a result: as its provenance says, else as the kinds themselves recognise it.

    Parameters
    ----------
    result : Any
        A path, or a value.

    Raises
    ------
    InputError
        If it is none.
    """
    from coverslip.io.tags import provenance_of
    from coverslip.models.folder import is_model_folder

    path = _path(result)
    facts = provenance_of(path) if path is not None else getattr(result, "provenance", {})
    odd = odd_entry(facts)
    if odd is not None:
        raise InputError(
            f"The provenance of {path or 'the result'} has no usable entry '{odd}'; it is damaged or was edited; copy "
            "the result again from its source."
        )
    tag = facts.get("kind")
    if tag in names():
        return get(tag)
    if tag is not None:
        made = (facts.get("versions") or {}).get("coverslip", "another one")
        raise InputError(
            f"{path or 'The result'} is a result of the kind '{tag}', which this version does not know (it was made by "
            f"{made}); update with pip install -U coverslip."
        )
    if path is not None and is_model_folder(path):
        raise InputError(f"{path} is a model, not a result; apply it first: coverslip predict {path} INPUTS.")
    # The narrower ones first: any table may be a sheet of labels, but not the other way round.
    suffix = "" if path is None else path.suffix.lower()
    kinds = sorted(map(get, names()), key=lambda kind: (not kind.refines, suffix not in kind.endings))
    found = next((kind for kind in kinds if kind.recognise(path or result)), None)
    if found is None:
        places = {kind.given: [ending or "a folder" for ending in kind.endings] for kind in kinds}
        forms = "; ".join(f"{given}: {' or '.join(endings)}" for given, endings in places.items())
        what = "This" if path is None else f"{path}" if path.exists() else f"{path} does not exist, so it"
        raise InputError(f"{what} is no result of coverslip predict; these are {forms}.")
    return found


def opened(result: Any) -> tuple[Kind, Any]:
    """The kind of a result, and the result itself, opened if it is named by its path."""
    kind, path = kind_of(result), _path(result)
    return kind, result if path is None else kind.verb("open")(path)


def _path(result: Any) -> Path | None:
    """The path that a result is named by, with a name in it, also where that is ``.``."""
    if not isinstance(result, str | Path):
        return None
    path = Path(result)
    return path.resolve() if path.name in ("", "..") else path
