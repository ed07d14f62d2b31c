"""The process in which one arm lives. The only folder of bench that loads torch."""
