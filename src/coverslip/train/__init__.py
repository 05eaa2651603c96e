"""One training loop for every method.

Devices, precision, checkpoints, exact resume, early stopping, history, progress.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
