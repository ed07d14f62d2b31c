"""Why an answer is different, in a process of its own: where it begins, whose fault it is, and a script that shows it."""
