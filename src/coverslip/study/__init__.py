"""Many fits, one table, one figure: sweeps of settings, learning curves, groups left out, focal planes.

Every name is loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
