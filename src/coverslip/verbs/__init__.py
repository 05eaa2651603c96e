"""The verbs, a short file each: they look up the kind of result and hand over."""
