"""Studies of methods that embed samples: their representations side by side."""
