"""Checks whether this machine is fit to measure on."""
