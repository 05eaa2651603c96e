"""The plugin of napari: readers of results, a writer of corrected labels, and panels; ``napari.yaml`` lists them.

Installed with ``pip install 'coverslip[napari]'``. What needs no window is in modules that import neither napari nor
Qt (`reading`, `running`, `writing`, `neighbours`), and is tested without them.
"""
