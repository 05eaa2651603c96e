"""Sample sheets: read, made, checked, divided."""
