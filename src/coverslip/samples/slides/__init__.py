"""Slides: where there is tissue, and patches of it."""
