"""Models: loaded by folder or by name, and the record of what was done with them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
