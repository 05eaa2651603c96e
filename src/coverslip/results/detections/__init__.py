"""Detections."""
from coverslip.core import Kind
KIND = Kind(name="detections", sentence="x", given="detections", endings=("",), home=__name__, recognise=lambda r: False, verbs={})
