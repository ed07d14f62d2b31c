"""Typed results, their files and their statistics: all of bench that reports may import."""
