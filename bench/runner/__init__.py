"""Runs a race: plans it, starts the workers, collects the laps, verifies the answers. Loads no torch."""
