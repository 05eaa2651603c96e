"""Phantoms of sections of mouse testis: tubules with stages, cells with types, markers, all of it known."""
