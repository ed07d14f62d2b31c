"""How processes of arms begin and end: started or forked, with a drawn memory layout, and the loop that they run."""
