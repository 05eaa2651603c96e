"""`coverslip study`: many fits, one table, one figure."""

from __future__ import annotations

import typer

from coverslip.cli.study.classes import cross_validate, learning_curve, shortcut, transfer
from coverslip.cli.study.fields import focal_planes, leave_one_out
from coverslip.cli.study.rankings import plates, rank
from coverslip.cli.study.sweeps import compare, depth, sweep

study_app = typer.Typer(help="Many fits, one table, one figure.", no_args_is_help=True, rich_markup_mode=None)


@study_app.callback()
def _studies() -> None:
    pass


study_app.command(
    epilog="Example: coverslip study sweep vae crops/ --over beta=0.1,0.5,1,4 --over latent=2,10,20 --out study"
)(sweep)
study_app.command(
    epilog="Example: coverslip study learning-curve unet fields.csv --sizes 1,2,4,8,16 --steps 2000 --out curve\n\n"
    "Example: coverslip study learning-curve classify cells.csv --sizes 10,30,90 --out curve"
)(learning_curve)
study_app.command(
    epilog="Example: coverslip study cross-validate classify cells.csv --over network=mobincep,linear --out folds"
)(cross_validate)
study_app.command(epilog="Example: coverslip study transfer classify ours.csv theirs.csv --set size=64 --out transfer")(
    transfer
)
study_app.command(epilog="Example: coverslip study shortcut cells.csv --out shortcuts")(shortcut)
study_app.command(
    epilog="Example: coverslip study leave-one-out unet fields.csv --by group --compare all,without --out left-out"
)(leave_one_out)
study_app.command(
    name="planes", epilog="Example: coverslip study planes unet tiles/ --counts 1,2,3,7 --steps 2000 --out planes"
)(focal_planes)
study_app.command(epilog="Example: coverslip study depth vae crops/ --sizes 20,40,80 --set epochs=20 --out depth")(
    depth
)
study_app.command(
    epilog="Example: coverslip study compare cells.csv --of vae,simclr,pca,raw --set vae.epochs=20 --out compared"
)(compare)
study_app.command(epilog="Example: coverslip study rank features.h5ad simclr.h5ad --anchors a,b,c --out study")(rank)
study_app.command(
    epilog="Example: coverslip study plates images/ --pattern '{plate}_{well}_day{day:d}.tif' --layout layout.csv "
    "--set anchors=untreated,single_dose --out study"
)(plates)
