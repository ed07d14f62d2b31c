"""Profiles arms from the main process: passes with the worker's help, and py-spy from outside."""
