"""One training loop for every method: devices, precision, checkpoints, exact resume, early stopping, history."""
