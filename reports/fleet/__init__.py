"""The same races on several machines: the ratios of each, and which of them differ between machines."""
