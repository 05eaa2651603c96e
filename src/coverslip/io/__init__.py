"""File to image, result to plain form: the only room that knows formats of images.

Every name is loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
