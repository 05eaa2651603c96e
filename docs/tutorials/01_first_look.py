"""First look: from one stained image to groups of nuclei that look alike, without a label.

Run it anywhere: ``python 01_first_look.py``. It needs no files, because scikit-image ships the image: colon tissue
with nuclei in blue (haematoxylin) and the protein FHL2 in brown (DAB).
"""

# %% The image. Axes are said, never guessed: channels, rows, columns.
import numpy as np
from skimage.data import immunohistochemistry

import coverslip as cs

image = cs.Image.from_array(np.moveaxis(immunohistochemistry(), -1, 0), "CYX", source="immunohistochemistry")
print(image.sizes, image.dtype)

# %% Find the nuclei with a classical segmentation. Masks of your own (Cellpose, StarDist, Fiji) do as well.
nuclei = cs.samples.find_nuclei(image)
print(nuclei.labels.max(), "nuclei")

# %% Cut one crop of 32 x 32 pixels around each. A nucleus whose crop would leave the image is left out.
crops, facts = cs.samples.crop_objects(image, nuclei.labels, 32, border="drop")
print(crops.shape, crops.dtype, list(facts))

# %% Fit a variational autoencoder: each nucleus becomes four numbers. The fit is kept short here, so that this
# page runs in seconds; for a result to trust leave out width and epochs.
model = cs.fit("vae", crops, {"latent": 4, "beta": 0.2, "width": 16, "epochs": 6})
print("validation loss, first and last epoch:", model.history[0]["val_loss"], model.history[-1]["val_loss"])
print("latent dimensions in use:", model.facts["active_units"])

# %% Embed the nuclei and group those that look alike.
cells = cs.predict(model, crops)
clusters = cells.column("cluster")
for name in np.unique(clusters):
    print(
        f"cluster {name}: {np.sum(clusters == name)} nuclei, {facts['area_px'][clusters == name].mean():.0f} px large"
    )

# %% The oddest nucleus is the one that the network explains worst: often debris, or two nuclei taken for one.
odd = int(np.argmax(cells.column("anomaly")))
print(
    f"oddest nucleus: number {facts['object'][odd]}, at row {facts['y_px'][odd]:.0f}, column {facts['x_px'][odd]:.0f}"
)

# %% Keep the model, and look at everything in a browser: open nuclei.html and hover over a point.
model.save("model")
cs.write_report(cells, "nuclei.html", model=model, images=crops, colour="cluster", title="Nuclei of a stained section")
