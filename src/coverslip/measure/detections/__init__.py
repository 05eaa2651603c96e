"""Detected objects against true ones: matches, counts, average precision, agreement of ordered classes."""
