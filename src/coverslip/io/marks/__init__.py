"""Files in which objects of images are marked: boxes, points and outlines with a class each."""
