"""How looprace does beside other tools: what is published of its gate, of its referee, and of the order it puts arms in."""
