"""Rank treatments: from a folder of images of spheroids on plates to a page with an order and how sure it is.

The plates are phantoms, drawn so that the truth is known; with images of your own, begin at "One call".
"""

# %% Two plates: untreated wells, wells of a single dose that works, and a drug in five doses; on day 7 and day 10.
import csv
from pathlib import Path

import numpy as np

import coverslip as cs

settings = cs.samples.PlateSettings(plates=2, wells=3, controls=6, planes=(1, 3), size=(80, 96), seed=1)
cs.samples.phantom_plates("plates", settings)
print(len(list(Path("plates").glob("*.tif"))), "images")

# %% One call. On the command line: coverslip study plates plates --layout plates/layout.csv --out study \
# %%   --pattern '{plate}_{well}_day{day:d}.tif' --set anchors=untreated,single_dose
ranking, notes = cs.study.plate_study(
    "plates",
    "study",
    pattern="{plate}_{well}_day{day:d}.tif",
    layout="plates/layout.csv",
    settings={"anchors": "untreated,single_dose"},
    spheroids={"size": 48},
)
print(ranking.facts["verdict"], "-", ranking.facts["why"])
for note in notes:
    print(note)

# %% Treatments, the least affected first, with the interval of their rank.
table = ranking.treatments
for i, name in enumerate(table["treatment"]):
    ranks = f"rank {table['rank'][i]} ({table['rank_low'][i]}-{table['rank_high'][i]})"
    print(f"{name:12} {ranks}, score {table['score'][i]:.2f}")

# %% The dose of half the effect: the plates were drawn with 1.
print(ranking.doses["drug"], np.round(ranking.doses["ec50"], 2))

# %% How well do the scores of single wells follow the true effect, which nothing but the phantoms know?
with open("plates/truth.csv") as stream:
    truth = {row["image"]: float(row["effect"]) for row in csv.DictReader(stream)}
rows = ranking.column("role") == "sample"
effects = np.array([truth[str(image)] for image in ranking.column("image")])
print("Spearman:", round(cs.measure.spearman(ranking.column("score")[rows], effects[rows]), 2))
