"""Objects and tiles cut out of fields."""
