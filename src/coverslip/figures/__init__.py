"""Every figure of the house: arrays in, a matplotlib `Figure` or a part of a page out; `save_figure` writes it.

Nothing here knows a network or a kind of result, and importing it costs nothing: drawing libraries are imported where
they draw.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
