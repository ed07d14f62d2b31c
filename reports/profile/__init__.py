"""Where an update's time goes, in parts that add up."""
