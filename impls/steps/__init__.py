"""Training steps as a user writes them, one file each: what is trained, in four functions, without a line of looprace."""
