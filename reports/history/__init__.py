"""All runs in a row: which arm changed, since which run."""
