"""Several methods side by side: which can be compared with which, and the settings of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coverslip import methods
from coverslip.core import InputError
from coverslip.study.fields.bench import finds_objects
from coverslip.study.fields.fits import CLASSICAL
from coverslip.study.fields.segmenters import compare_segmenters
from coverslip.study.findings import Findings
from coverslip.study.representations.comparison import compare_representations
from coverslip.study.representations.vectors import PCA, RAW
from coverslip.train.run import Run


def compare(
    samples: Any,
    of: Sequence[str],
    out: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    label: str = "label",
    group: str | None = None,
    restarts: int = 1,
    sphere: str | None = None,
    sphere_by: str | None = None,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
    run: Run | None = None,
) -> Findings:
    """Fit several methods to the same samples and measure what each makes of them.

    Methods that find objects are compared with each other, see
    `coverslip.study.fields.segmenters.compare_segmenters`; what follows is of methods that embed samples.

    Parameters
    ----------
    samples : str, Path, Sheet or Samples
        What they are fitted to, without its classes. Where a column ``split`` gives a part to test (or validation),
        methods and components never see it, and it is what is measured on; else probes are cross-validated.
    of : sequence of str
        Methods that embed samples, ``"pca"`` and ``"raw"``; or methods that find objects, and ``"classical"``.
    out : str or Path
        Folder: ``fits/<method>``, ``embeddings/<name>.h5ad`` (of the components, too), ``table.csv``, ``measures.csv``
        (with every interval), ``measures.png``, ``maps.png``, ``report.html``. Fits that are there are not made again.
    settings : mapping, optional
        By method: ``{"vae.epochs": 20}``; what names no method is for all that have it.
    label : str
        Column of classes; without it what needs none is measured.
    group : str, optional
        Column whose groups are never divided; default: the usual ones, such as plate.
    restarts : int
        Fits of each method, with other seeds. Of methods that embed samples the first is measured, and how much of it
        the others have too.
    sphere, sphere_by : str, optional
        As for `coverslip.predict`: each representation but ``raw`` is measured once more, sphered on these controls.
    channels, planes
        As for `coverslip.fit`.
    run : Run, optional
        Device and precision.

    Returns
    -------
    Findings
        A row per representation.

    Raises
    ------
    InputError
        If a name is no method that embeds samples, or a setting is none of any, before anything is fitted.
    """
    how: dict[str, Any] = {"restarts": restarts, "channels": channels, "planes": planes, "run": run}
    if of and all(name == CLASSICAL or finds_objects(name) for name in of):
        configs = _configs(of, settings or {}, finds_objects, (CLASSICAL,))
        return compare_segmenters(samples, of, out, configs=configs, **how)
    configs = _configs(of, settings or {}, _embeds, (PCA, RAW))
    how |= {"label": label, "group": group, "sphere": sphere, "sphere_by": sphere_by}
    return compare_representations(samples, of, out, configs=configs, **how)


def _configs(
    of: Sequence[str], settings: Mapping[str, Any], is_able: Callable[[str], bool], plain: Sequence[str]
) -> dict[str, Any]:
    """The settings of each method; `plain` are what is compared with, without any."""
    able = [*(name for name in methods.names() if is_able(name)), *plain]
    wrong = [name for name in of if name not in able]
    if wrong or not of:
        finders = [*(name for name in methods.names() if finds_objects(name)), CLASSICAL]
        raise InputError(
            f"'{wrong[0] if wrong else ''}' cannot be compared here; compare some of {', '.join(able)} (vectors of "
            f"samples), or some of {', '.join(finders)} (objects in fields)."
        )
    if len(set(of)) < len(of):
        raise InputError("A method is named twice; name each once.")
    configs = {}
    used = set()
    for name in of:
        if name in plain:
            continue
        kind = methods.get(name).Config
        own = {key: value for key, value in settings.items() if key.split(".")[0] in kind.model_fields}
        mine = {key.partition(".")[2]: value for key, value in settings.items() if key.partition(".")[0] == name}
        configs[name] = kind.parse({**own, **mine})
        used |= {*own, *(f"{name}.{key}" for key in mine)}
    unknown = set(settings) - used
    if unknown:
        raise InputError(f"None of {', '.join(of)} has a setting '{min(unknown)}'; write it like vae.epochs=20.")
    return configs


def _embeds(name: str) -> bool:
    card = methods.get(name).CARD
    return bool(card.takes == "samples" and card.gives == "embedding")
