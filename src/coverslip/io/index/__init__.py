"""An index of vectors in a folder: added to, removed from and searched exactly, without reading it whole."""
