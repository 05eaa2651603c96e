"""Results to figures, tables and one self-contained interactive page.

- `coverslip.report.figures`: every figure; arrays in, a matplotlib `Figure` out; `save_figure` writes it.
- `coverslip.report.maps`: two-dimensional maps; PCA at once, UMAP once.
- `coverslip.report.thumbnails`: crops of any type and channels to small comparable pictures.
- `coverslip.report.page`: `write_page`, the interactive report of an embedding in one file.

Nothing here knows a network, and importing it costs nothing: drawing libraries are imported where they draw.
"""
