"""The verb fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from coverslip import methods, results
from coverslip.core import Config, InputError, NoDataRule, Training, about, nodata_rule, provenance
from coverslip.io.agreement import FILES, noted
from coverslip.io.atomic import refuse_existing, refuse_own
from coverslip.io.places import held, remove_unfinished
from coverslip.models.folder import Model, refuse_foreign
from coverslip.models.loading import load
from coverslip.models.record import check_finished, describe_inputs, path_of
from coverslip.nn.device import choose_device
from coverslip.samples.cutting.crop_fields import crop_settings
from coverslip.samples.opening import open_at_one_size, opened_with
from coverslip.samples.opening.copies import copies_told
from coverslip.samples.opening.joined import join_samples
from coverslip.samples.opening.mark import mark_of
from coverslip.samples.sheets.files import mark_of_files
from coverslip.samples.sheets.instances import doubtful_masks
from coverslip.samples.sheets.splits import divided_groups
from coverslip.train.run import Run, is_main_process

FITTING = ".fitting"
"""Ending of the folder beside a model that holds an unfinished fit."""


def fit(
    method: str,
    samples: Any,
    config: Config | Mapping[str, Any] | None = None,
    *,
    run: Run | None = None,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
    nodata: NoDataRule | None = None,
) -> Model:
    """Fit a method to samples.

    Parameters
    ----------
    method : str
        Name of a method, see ``coverslip.methods.names()``.
    samples : str, Path, Sheet, Samples, Fields or ndarray
        A sample sheet, a folder, or an array ``(N, C, H, W)``; for a method that finds objects fields with masks.
    config : Config or mapping, optional
        Settings of the method.
    run : coverslip.train.Run, optional
        Device, precision, memory, checkpoint folder.
    channels : sequence of str or int, optional
        Which channels to use, by name or number; default all.
    planes : str or int
        What becomes of focal planes, see `coverslip.samples.open_samples`.
    nodata : float or {"auto", "none"}, optional
        Which pixels hold no image, see `coverslip.samples.open_fields`; for methods that find objects.

    Returns
    -------
    Model
        ``model.save("folder/")`` keeps it.
    """
    return _fitted(method, samples, config, run, channels, planes, nodata)[0]


def _fitted(
    method: str,
    samples: Any,
    config: Config | Mapping[str, Any] | None,
    run: Run | None,
    channels: Sequence[str | int] | None,
    planes: str | int,
    nodata: NoDataRule | None,
) -> tuple[Model, Any]:
    """The model, and the samples as they were opened."""
    module = methods.get(method)
    if not isinstance(config, module.Config):
        config = module.Config.parse(config or {})
    how: dict[str, Any] = {"channels": None if channels is None else list(channels), "planes": planes}
    if nodata is not None:
        if module.CARD.takes != "fields":
            raise InputError(f"The method '{method}' looks at all pixels of its samples; leave nodata={nodata} out.")
        how["nodata"] = nodata_rule(nodata)
    begun = _start(config)
    one_size = module.one_size(config) if hasattr(module, "one_size") else None
    opened, resized = open_at_one_size(module.CARD.takes, samples, one_size, **how)
    with about(path_of(samples)):
        if run is not None and run.folder is not None:
            run = replace(run, mark=mark_of(opened))
        whole = getattr(opened, "has_labels", False) and not getattr(config, "scribbles", False)  # strokes have pieces
        doubts = doubtful_masks(opened) if whole else []
        fitted = module.fit(opened, config, run, **begun)
        obs = getattr(opened, "obs", None)
        divided = divided_groups(obs) if obs is not None else ""
        doubts += [divided] if divided and divided not in fitted.warnings else []
        doubts += copies_told(opened, label=getattr(config, "label", None))
    facts = {**fitted.facts, "input": {**how, **opened_with(opened)}}
    cut = crop_settings(opened)
    if cut:
        facts["crops"] = cut
    doubts += [resized] if resized else []
    if doubts:
        facts["warnings"] = [*fitted.warnings, *doubts]
    model = Model(
        method=fitted.method,
        config=fitted.config,
        weights=fitted.weights,
        facts=facts,
        history=fitted.history,
        provenance=provenance(inputs=describe_inputs(samples, opened), seed=getattr(config, "seed", None)),
        card=module.CARD.markdown(of_model=True),
    )
    return model, opened


def _start(config: Any) -> dict[str, Model]:
    """The model that a fit begins from, where the settings of its method name one."""
    named = config.pretrained if isinstance(config, Training) else None
    return {} if named is None else {"start": load(named)}


def one_or_joined(
    method: str,
    sources: Sequence[Any],
    settings: Mapping[str, Any],
    *,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
) -> Any:
    """A sheet as it is, or several as the domains of one model.

    Parameters
    ----------
    method : str
        Several are for methods with the setting ``size``.
    sources : sequence of str or Path
        Sheets or folders.
    settings : mapping
        ``size``, and perhaps ``aspect``, say how several are brought together.
    channels, planes
        As for `fit`, which need not be told them again then.

    Returns
    -------
    str, Path or Joined

    Raises
    ------
    InputError
        If the method has no such setting, or it is not given.
    """
    if len(sources) == 1:
        return sources[0]
    if not {"size", "aspect"} <= set(methods.get(method).Config.model_fields):
        raise InputError(f"The method '{method}' is fitted to one sheet; give one.")
    size = settings.get("size")
    if not isinstance(size, int) or size < 1:
        raise InputError("Several sheets are brought to one size; say which with --set size=64.")
    how = {"aspect": settings["aspect"]} if "aspect" in settings else {}
    return join_samples(sources, size=size, channels=channels, planes=planes, **how)


def fit_to_folder(
    method: str,
    samples: Any,
    out: str | Path,
    settings: Config | Mapping[str, Any],
    *,
    run: Run,
    force: bool = False,
    channels: Sequence[str | int] | None = None,
    planes: str | int = "channels",
    nodata: NoDataRule | None = None,
) -> Model | None:
    """Fit a method and save the model.

    While it runs, ``OUT.fitting`` holds the checkpoint; it is removed once the model is saved.

    Parameters
    ----------
    method, samples, channels, planes, nodata
        As for `coverslip.fit`.
    out : str or Path
        Folder of the model.
    settings : Config or mapping
        Settings of the method, dotted names allowed.
    run : Run
        Device, precision and so on; with ``resume`` an unfinished fit goes on.
    force : bool
        Replace a model that is there, and discard an unfinished fit.

    Returns
    -------
    Model or None
        None where ``resume`` found the fit finished already.

    Raises
    ------
    InputError
        If there is a model or an unfinished fit at `out` and nothing says what to do with it, or what is to go on is
        another fit.
    """
    out = Path(out)
    fitting = out.with_name(out.name + FITTING)
    # With several devices every process comes by here, but only the first one may touch files.
    first = is_main_process()
    with held(out) if first else nullcontext():
        asked = _asked(method, samples, settings, channels, planes, nodata)
        if run.resume and (out / "config.json").is_file() and not fitting.exists():
            check_finished(out, _asked(method, samples, settings, channels, planes, nodata))
            return None
        if run.device != "auto":
            choose_device(run.device)  # before the first image is read
        if first:
            # An unfinished fit beside a model is to replace it: it was begun with --force, or killed while tidying up.
            refuse_existing(out, force or (run.resume and fitting.exists()))
            refuse_foreign(out)  # now, not after hours of fitting
            given = path_of(samples)
            refuse_own(out, [] if given is None else [Path(given)])
            if fitting.exists() and not run.resume:
                if not force:
                    raise InputError(
                        f"{fitting} holds an unfinished fit: say --resume to go on, or --force to start over."
                    )
                remove_unfinished(fitting)
        asked = _asked(method, samples, settings, channels, planes, nodata)
        run = replace(run, folder=fitting)
        model, opened = _fitted(method, samples, settings, run, channels, planes, nodata)
        if first:
            model = replace(model, provenance={**model.provenance, "asked": asked})
            _with_tables(model, opened, run).save(out)
            remove_unfinished(fitting)
    return model


def _with_tables(model: Model, opened: Any, run: Run) -> Model:
    """A model whose card says what its kind of result has to say of a fit."""
    card = model.implementation.CARD
    kind = results.get(card.gives)
    if card.takes != "samples" or "card" not in kind.verbs:
        return model
    tables = {**model.tables, **kind.verb("card")(model, opened, run.device)}
    return replace(model, facts={**model.facts, "tables": tables}) if tables else model


def _asked(
    method: str,
    samples: Any,
    settings: Config | Mapping[str, Any],
    channels: Sequence[str | int] | None,
    planes: str | int,
    nodata: NoDataRule | None,
) -> dict[str, Any]:
    """What is to be fitted to what, JSON-able: kept with the model, where a later ``--resume`` is held against it."""
    kind = methods.get(method).Config
    config = settings if isinstance(settings, kind) else kind.parse(dict(settings))
    path = path_of(samples)
    of = {} if path is None else {"inputs": str(Path(path).resolve()), FILES: mark_of_files(path)}
    return noted(
        {
            "method": method,
            "settings": config.model_dump(mode="json"),
            "channels": channels,
            "planes": planes,
            "nodata": nodata,
            **of,
        }
    )
