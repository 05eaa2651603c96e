"""Results and truth to numbers, with intervals."""
