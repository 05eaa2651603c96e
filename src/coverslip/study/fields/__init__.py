"""Studies of methods that find objects: how many fields, which planes, groups left out, methods side by side."""
