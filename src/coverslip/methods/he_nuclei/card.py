from coverslip.core import Card

CARD = Card(name="he_nuclei", takes="fields", gives="labels", summary="x.", citation="2026", inputs="x.", outputs="x.")
