"""Images: one file of readers for each family of formats."""
