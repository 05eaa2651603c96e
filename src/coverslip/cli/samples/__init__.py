"""`coverslip samples`: make, check, divide, crop and preview sample sheets, and make labels and phantoms."""

from __future__ import annotations

import typer

from coverslip.cli.samples.cutting import crop, label_from_stain, patches, resize, tile
from coverslip.cli.samples.phantoms import phantom, phantom_sections
from coverslip.cli.samples.sheets import annotated, check, fetch, make, preview, split, unpack
from coverslip.cli.samples.spheroids import phantom_plates, spheroids

samples_app = typer.Typer(
    help="Make, check, divide and crop sample sheets.", no_args_is_help=True, rich_markup_mode=None
)

samples_app.command(
    epilog="Example: coverslip samples make plate/ --pattern '{well}_s{site:d}.tif' --out plate/sheet.csv"
)(make)
samples_app.command(epilog="Example: coverslip samples fetch nuclei --out fields")(fetch)
samples_app.command(epilog="Example: coverslip samples annotated smears/ --out smears/sheet.csv")(annotated)
samples_app.command(
    epilog="Example: coverslip samples phantom-sections --out sections --set size=4096 --set laboratories=3"
)(phantom_sections)
samples_app.command(epilog="Example: coverslip samples unpack usps_all.mat --out digits")(unpack)
samples_app.command(epilog="Example: coverslip samples check cells.csv")(check)
samples_app.command(epilog="Example: coverslip samples split cells.csv --by patient --out cells-split.csv")(split)
samples_app.command(epilog="Example: coverslip samples crop fields.csv --size 64 --out crops")(crop)
samples_app.command(epilog="Example: coverslip samples patches slides/ --size 256 --count 200 --out patches")(patches)
samples_app.command(epilog="Example: coverslip samples tile fields.csv --grid 4x4 --out tiles")(tile)
samples_app.command(epilog="Example: coverslip samples resize crops/ --to 80x80 --out crops-80")(resize)
samples_app.command(
    epilog="Example: coverslip samples phantom fields.csv --split val --overlap 0,0.2,0.4,0.6 --out phantoms"
)(phantom)
samples_app.command(epilog="Example: coverslip samples label-from-stain fields.csv --stain DAPI --out labelled")(
    label_from_stain
)
samples_app.command(epilog="Example: coverslip samples preview cells.csv --recipe strong --out views.png")(preview)
samples_app.command(
    epilog="Example: coverslip samples spheroids plate/ --pattern '{plate}_{well}_day{day:d}.tif' --layout layout.csv "
    "--out prepared"
)(spheroids)
samples_app.command(epilog="Example: coverslip samples phantom-plates --set plates=3 --out plates")(phantom_plates)
