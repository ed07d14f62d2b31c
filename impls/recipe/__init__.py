"""Steps as they run: a step file read, built and warmed up, and the rewrites of a recipe put into it."""
