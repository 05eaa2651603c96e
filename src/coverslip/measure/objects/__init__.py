"""Measures of labelled objects."""
