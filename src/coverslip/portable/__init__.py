"""Models for other programs: ONNX files, and packages of the BioImage Model Zoo."""
