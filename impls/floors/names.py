"""The floors of a step, by name. Loads no torch."""

PRODUCTS = "floor_products"
MEMORY = "floor_memory"
FLOORS = (PRODUCTS, MEMORY)  # join every race of a step

ALL_REDUCE = "floor_all_reduce"
BARRIER = "floor_barrier"
RANK_FLOORS = (ALL_REDUCE, BARRIER)  # join a race of arms of several processes
EVERY_FLOOR = (*FLOORS, *RANK_FLOORS)
