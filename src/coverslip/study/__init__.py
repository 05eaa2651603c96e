"""Many fits, one table, one figure."""
