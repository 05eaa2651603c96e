"""Pictures to try things on: those that installed packages bring, and drawn ones whose truth is known."""
