"""Your own folder: make a sheet, check it, crop, fit, and ask honestly what the result knows.

The first part writes a folder of sixteen small fields with masks, so that there is something to work on; replace it
with a folder of your own. Each step names the command that does the same.
"""

# %% A folder as many labs have it: images and masks, with the facts in the file names.
from pathlib import Path

import numpy as np
from skimage.color import rgb2hed
from skimage.data import immunohistochemistry

import coverslip as cs

folder = Path("fields")
picture = immunohistochemistry()
nuclei = cs.samples.find_nuclei(cs.Image.from_array(np.moveaxis(picture, -1, 0), "CYX")).labels
for row in range(4):
    for column in range(4):
        part = np.s_[128 * row : 128 * (row + 1), 128 * column : 128 * (column + 1)]
        name = f"section1_r{row}_c{column}.tif"
        cs.read.write_image_tiff(np.moveaxis(picture[part], -1, 0), folder / "images" / name)
        cs.read.write_labels(nuclei[part], folder / "masks" / name)

# %% A sheet: one row per image. A folder with ``images`` and ``masks`` is understood as it is; where file names hold
# facts, a pattern makes columns of them (see the guide on sample sheets).
# coverslip samples make fields --out fields/sheet.csv
sheet = cs.samples.write_sheet(cs.samples.make_sheet(folder), folder / "sheet.csv")
print(len(sheet), "fields with the columns", ", ".join(sheet.columns))

# %% Check everything before hours are spent on it. Errors name the row and the remedy.
# coverslip samples check fields/sheet.csv
report = cs.samples.check_sheet(sheet)
print("\n".join(report.lines()) or "nothing to mend")
assert report.ok

# %% Crop the nuclei: one stack per field, and crops.csv with one row per nucleus.
# coverslip samples crop fields/sheet.csv --size 24 --min-area 40 --out crops
crops = cs.samples.crop_sheet(sheet, "crops", 24, min_area=40)
print(len(crops), "crops;", ", ".join(crops.columns))

# %% A label. Yours come from an expert or a second channel; here it is whether the brown stain of the nucleus's crop
# is above the median. It is used to evaluate only: the fit never sees it.
samples = cs.samples.open_samples(crops)
pixels = np.moveaxis(samples.read(np.arange(len(samples))), 1, -1)
brown = rgb2hed(pixels)[..., 2].mean(axis=(1, 2))
labels = np.where(brown > np.median(brown), "stained", "unstained").tolist()
crops = cs.samples.write_sheet(crops.with_column("label", labels), crops.path)

# %% Whole fields are held out: neighbours in one field are alike, and a split by nucleus would measure memory.
# coverslip samples split crops --fractions 0.6,0.1,0.3 --by source_image --out crops/crops.csv --force
crops = cs.samples.write_sheet(cs.samples.split_sheet(crops, (0.6, 0.1, 0.3), by="source_image"), crops.path)
print({part: crops.column("split").count(part) for part in ("train", "val", "test")})

# %% Fit on the training part (kept short here), embed all.
# coverslip fit vae crops --out model --set latent=4
# coverslip predict model crops --out cells.h5ad
model = cs.fit("vae", crops, {"latent": 4, "beta": 0.2, "width": 16, "epochs": 6})
cells = cs.predict(model, crops)
model.save("model")
cs.read.write_embedding(cells, "cells.h5ad")

# %% Ask what the vectors know, on the fields that nothing was fitted on, beside PCA of equal size and raw pixels.
# An interval that reaches over 0 in a row "latent - PCA 4" says that the VAE has not been shown to be better.
# coverslip evaluate cells.h5ad --group source_image
rows = cs.evaluate(cells, group="source_image")
for row in rows:
    print(f"{row['features']:22} {row['measure']:32} {row['value']:7.3f}  [{row['low']:.3f}, {row['high']:.3f}]")
