"""Labels made from a registered nuclear stain."""
