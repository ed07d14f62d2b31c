"""The floors that join every race of a step. Loads no torch."""

PRODUCTS = "floor_products"
MEMORY = "floor_memory"
FLOORS = (PRODUCTS, MEMORY)
