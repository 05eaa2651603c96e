"""Coverslip: learn from microscopy images with few labels or none.

>>> import coverslip as cs
>>> crops = cs.samples.read_sheet("cells.csv")
>>> model = cs.fit("vae", crops, cs.methods.vae.Config(latent=2))
>>> table = cs.predict(model, crops)
>>> model.save("model/")
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Loaded on first use, so that `import coverslip` costs nothing.
_EXPORTS = {
    "fit": "coverslip.api",
    "predict": "coverslip.api",
    "load": "coverslip.api",
    "evaluate": "coverslip.evaluation",
    "write_report": "coverslip.reporting",
    "open_image": "coverslip.read",
    "Image": "coverslip.core.image",
    "Region": "coverslip.core.region",
    "Embedding": "coverslip.core.results",
    "LabelMap": "coverslip.core.results",
    "Decomposition": "coverslip.core.decomposition",
    "CoverslipError": "coverslip.core.errors",
}
_MODULES = {
    "samples": "coverslip.sample",
    "methods": "coverslip.methods",
    "measure": "coverslip.measure",
    "read": "coverslip.read",
    "report": "coverslip.report",
    "shipped": "coverslip.shipped",
    "study": "coverslip.study",
}

__all__ = [*_EXPORTS, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'coverslip' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
