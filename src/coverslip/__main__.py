"""``python -m coverslip`` is ``coverslip``."""

from coverslip.cli import script

script()
