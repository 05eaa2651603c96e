"""Measures of reconstructed images."""
