"""Every figure of the house. Each function takes arrays and returns a matplotlib `Figure`; `save_figure` writes it."""

from coverslip.report.curves import loss_curves
from coverslip.report.latents import kl_per_dimension, latent_map
from coverslip.report.pictures import outlines, reconstruction_grid, thumbnail_map, traversals
from coverslip.report.style import save_figure
from coverslip.report.sweeps import sweep_figure, sweep_table

__all__ = [
    "kl_per_dimension",
    "latent_map",
    "loss_curves",
    "outlines",
    "reconstruction_grid",
    "save_figure",
    "sweep_figure",
    "sweep_table",
    "thumbnail_map",
    "traversals",
]
