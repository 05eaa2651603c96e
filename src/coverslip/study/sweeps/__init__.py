"""Many settings of one method: sweeps, and how deep a network should be."""
