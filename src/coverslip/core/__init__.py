"""The words every other room uses: images, regions, samples, results, settings and errors.

Only NumPy and the standard library are imported here (settings use pydantic), and each name on first use, so that
`import coverslip` and every command without a network start at once.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
