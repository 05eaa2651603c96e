"""Brightfield images of spheroids on plates: made ready for learning, measured, and phantoms of them."""
