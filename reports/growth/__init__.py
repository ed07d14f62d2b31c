"""How times grow with a size: an exponent, where two arms change places, and from which size an arm pays."""
