"""Results to figures, tables and one self-contained interactive page."""
