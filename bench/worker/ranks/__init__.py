"""The processes ("ranks") that make the updates of an arm together: started by torchrun, one of them speaks for all."""
