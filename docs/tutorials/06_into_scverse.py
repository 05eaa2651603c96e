"""From arrays to scanpy, squidpy and SpatialData: find nuclei, embed them, and go on in scverse.

Needs more than Coverslip: ``pip install scanpy squidpy 'coverslip[spatialdata]'``.
"""

# %% Fields as arrays: drawn ones, three of them "treated", 0.5 µm a pixel.
from pathlib import Path

import numpy as np

import coverslip as cs
from coverslip.core.image import PixelSize

size = PixelSize(0.5, 0.5)
names = [f"{treatment}-{n}" for treatment in ("control", "treated") for n in range(3)]
fields = {name: cs.samples.draw_nuclei(int(name[-1]), treated=name.startswith("treated"))[0] for name in names}

# %% Find the nuclei with a model that comes with Coverslip, and measure them in µm.
found, rows = [], []
for name, pixels in fields.items():
    image = cs.Image.from_array(pixels, "YX", source=f"{name}.tif", pixel_size=size, channels=("DNA",))
    nuclei = cs.predict("nuclei-fluo", image)
    cs.read.write_image_tiff(image, f"{name}.tif")
    found.append((nuclei, cs.measure.object_table(nuclei.labels, image)))
    rows.append({"image": f"{name}.tif", "treatment": name.split("-")[0]})
    print(name, nuclei)
cs.read.write_label_folder(found, "nuclei", rows, Path(), provenance=found[0][0].provenance)

# %% A crop and a vector for each.
crops = cs.samples.crop_sheet(cs.samples.read_sheet("nuclei"), "crops", 48)
model = cs.fit("vae", crops, {"latent": 6, "width": 16, "epochs": 15, "beta": 0.3})
cells = cs.predict(model, crops)
cs.read.write_embedding(cells, "cells.h5ad")

# %% scanpy: neighbours in the latents, a UMAP, groups, a figure.
import scanpy as sc

adata = sc.read_h5ad("cells.h5ad")
sc.pp.neighbors(adata, use_rep="latent", n_neighbors=10)
sc.tl.umap(adata)
sc.pl.umap(adata, color=["treatment", "cluster", "area_um2"], show=False).pop().figure.savefig("umap.png", dpi=90)

# %% squidpy: which nuclei lie beside which, field by field, and are those of a cluster among their own?
import squidpy as sq

adata.obs["field"] = adata.obs["source_image"].astype("category")
sq.gr.spatial_neighbors(adata, coord_type="generic", n_neighs=5, library_key="field")
sq.gr.nhood_enrichment(adata, cluster_key="cluster", show_progress_bar=False, n_perms=100)
print("Neighbours:", adata.obsp["spatial_connectivities"].nnz, "z-scores:")
print(adata.uns["cluster_nhood_enrichment"]["zscore"].round(1))

# %% SpatialData: images, labels, outlines and one table of objects, clusters and vectors with it.
import spatialdata

cs.export("nuclei", spatialdata=True, cells="cells.h5ad", force=True)
store = spatialdata.read_zarr("nuclei.spatialdata.zarr")
print(store)
table = store["objects"]
own = table[table.obs["region"] == "control-0_labels"]
labels = np.asarray(store["control-0_labels"])
print(len(own), "rows and", len(np.unique(labels)) - 1, "labels in control-0;", own.var_names.tolist()[:6])
