"""What answers are compared with: what an update does, its truth in float64, and what rounding explains."""
