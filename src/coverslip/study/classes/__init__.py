"""Studies of classifiers: cross-validation, few labels, other laboratories, what else tells the classes."""
