"""Read the result: an .h5ad file with anndata, pandas and, where it is installed, scanpy.

The first part makes a small ``cells.h5ad``; with one of your own, begin at "Open it".
"""

# %% A small result to read.
import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from skimage.data import immunohistochemistry

import coverslip as cs
from coverslip.core.image import PixelSize

image = cs.Image.from_array(
    np.moveaxis(immunohistochemistry(), -1, 0), "CYX", pixel_size=PixelSize(0.5, 0.5), source="field.tif"
)
nuclei = cs.samples.find_nuclei(image)
cs.read.write_image_tiff(image, "field.tif")
cs.read.write_labels(nuclei, "field.labels.tif")
fields = cs.samples.Sheet(Path(), ("image", "mask"), [{"image": "field.tif", "mask": "field.labels.tif"}])
crops = cs.samples.crop_sheet(fields, "crops", 24, border="drop")
model = cs.fit("vae", crops, {"latent": 4, "width": 16, "epochs": 5})
cs.read.write_embedding(cs.predict(model, crops), "cells.h5ad")

# %% Open it. In scanpy: ``adata = scanpy.read_h5ad("cells.h5ad")``, then ``sc.pp.neighbors(adata, use_rep="latent")``.
adata = anndata.read_h5ad("cells.h5ad")
print(adata)

# %% The vectors: one row per cell. X holds the same numbers.
latent = adata.obsm["latent"]
print(latent.shape, latent.dtype, np.array_equal(latent, adata.X))

# %% The facts: every column of the sheet, where each cell lies, and what the model found.
obs: pd.DataFrame = adata.obs
print(obs[["image", "frame", "y_um", "x_um", "area_um2", "cluster", "anomaly"]].head())

# %% Questions are pandas: how large are the cells of each cluster, in square micrometres?
print(obs.groupby("cluster", observed=True)["area_um2"].describe()[["count", "mean", "std"]].round(1))

# %% Back to the image: the five oddest cells, to look up in Fiji or napari (pixels, the first one is 0, 0).
odd = obs.nlargest(5, "anomaly")[["source_image", "object", "y_px", "x_px", "anomaly"]]
print(odd.round(1))

# %% Where it comes from: input with its hash, model with every setting, seed, versions.
provenance = json.loads(adata.uns["coverslip"]["provenance"])
print(provenance["inputs"]["n"], "samples;", provenance["model"]["settings"]["latent"], "latent dimensions")
print(provenance["versions"])

# %% As a table for a spreadsheet or R.
table = obs.join(pd.DataFrame(latent, index=obs.index, columns=[f"z{i}" for i in range(latent.shape[1])]))
table.to_csv("cells.csv", index=False)
print(table.shape)
