"""What methods learn from: sheets, and how images become samples or fields.

Every name is loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
