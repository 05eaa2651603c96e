"""Files in, files out: images of every kind as lazy `Image`s; labels, tables, models and results as files."""
