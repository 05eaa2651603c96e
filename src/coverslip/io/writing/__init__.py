"""Images, labels and outlines written in the forms of other programs."""
