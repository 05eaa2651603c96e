"""Measures of vectors: probes, clusters, factors, collapse."""
