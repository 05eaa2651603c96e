"""Name clusters, not cells: look at groups, type a name for each, and have a classifier that says how sure it is.

Begins like the first tutorial, with the nuclei of an image that scikit-image ships; with an embedding of your own begin
at "Look".
"""

# %% Nuclei, embedded and grouped without a label (kept short here; leave out width and epochs for a result to trust).
import json
from pathlib import Path

import numpy as np
from skimage.data import immunohistochemistry

import coverslip as cs

image = cs.Image.from_array(np.moveaxis(immunohistochemistry(), -1, 0), "CYX", source="immunohistochemistry")
nuclei = cs.samples.find_nuclei(image)
crops, facts = cs.samples.crop_objects(image, nuclei.labels, 32, border="drop")
model = cs.fit("vae", crops, {"latent": 4, "width": 8, "epochs": 3})
cells = cs.predict(model, crops, clusters=6)
cs.read.write_embedding(cells, "cells.h5ad")

# %% Look: the page shows each cluster as a gallery of typical, borderline and random cells, with a field for its name.
# Names are exported as names.json. Equal names merge clusters; one that is left empty gets no label.
# coverslip report cells.h5ad --out cells.html
cs.write_report(cells, "cells.html", model=model, images=crops, title="Name the clusters")

# %% Here the program types the names: large and small nuclei, and none for the smallest cluster.
clusters = cells.column("cluster")
size = {name: np.median(facts["area_px"][clusters == name]) for name in np.unique(clusters)}
middle = np.median(list(size.values()))
names = {name: "large" if area > middle else "small" for name, area in size.items()}
names[min(size, key=lambda name: np.sum(clusters == name))] = ""
Path("names.json").write_text(json.dumps({"names": names}))

# %% Names become labels of cells: each with the share of its neighbours that have the same one.
# coverslip label cells.h5ad cells.h5ad names.json --out labels.parquet
print(cs.label("cells.h5ad", "cells.h5ad", "names.json", "labels.parquet").said)
labels = cs.read.read_table("labels.parquet")
print(f"{np.mean(labels['confidence'] == 1):.0%} of the cells lie among their own only")

# %% The cells worth a look next: uncertain, and from all over the map. Name them in the page, if you like.
look = np.flatnonzero(labels["look"])
print("worth a look:", labels["id"][look[np.argsort(labels["look"][look])]][:5].tolist())

# %% A classifier of the labels. It is measured on cells that it was not fitted to, and says how many labels it needed.
# A high number says that it tells your *names* apart, not that the names are right: only labels of an expert say that.
# coverslip fit probe labels.parquet --out probe
probe = cs.fit("probe", "labels.parquet", {"curve": (2, 10), "draws": 2})
probe.save("probe")
print(probe.facts["said"])
for point in probe.facts["tables"]["Learning curve"]:
    print(point["labels of each class"], "labels of each class:", point["balanced accuracy"])

# %% It classifies any cells that the same model has embedded, each with a probability.
# coverslip predict probe cells.h5ad --out classes.parquet
classes = cs.predict(probe, cells)
kinds, counts = np.unique(classes.predicted.astype(str), return_counts=True)
print(dict(zip(kinds.tolist(), counts.tolist(), strict=True)), "mean confidence", classes.confidence.mean())
