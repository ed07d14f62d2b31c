"""The rewrites of any step: one file each, which holds the lines that a person would paste and says where they apply."""
