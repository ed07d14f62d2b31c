"""The process in which one arm lives. Loads torch."""
