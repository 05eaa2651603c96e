"""Rankings of treatments: strategies side by side, and whole plates in one go."""
