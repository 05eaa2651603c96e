"""Coverslip: learn from microscopy images with few labels or none.

>>> import coverslip as cs
>>> crops = cs.samples.read_sheet("cells.csv")
>>> model = cs.fit("vae", crops, cs.methods.vae.Config(latent=2))
>>> table = cs.predict(model, crops)
>>> model.save("model/")
"""

import lazy_loader

__version__ = "0.1.0"

# Loaded on first use, so that `import coverslip` costs nothing.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules={"classical", "figures", "measure", "methods", "read", "results", "samples", "study"},
    submod_attrs={
        "verbs.fit": ["fit"],
        "verbs.predict": ["predict"],
        "verbs.evaluate": ["evaluate"],
        "verbs.measure": ["measure_labels"],
        "verbs.refine": ["refine"],
        "verbs.report": ["write_report"],
        "verbs.export": ["export"],
        "verbs.decode": ["decode"],
        "verbs.index": ["index"],
        "verbs.search": ["search"],
        "verbs.label": ["label"],
        "models": ["load", "shipped"],
        "io": ["open_image"],
        "core.image": ["Image"],
        "core.region": ["Region"],
        "core.results": ["Embedding", "LabelMap"],
        "core.decomposition": ["Decomposition"],
        "core.ranking": ["Ranking"],
        "core.detections": ["Detections"],
        "core.errors": ["CoverslipError"],
    },
)
