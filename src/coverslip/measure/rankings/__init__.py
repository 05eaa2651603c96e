"""Orders along a scale: how well scores follow a known order, and how sure the order of treatments is."""
