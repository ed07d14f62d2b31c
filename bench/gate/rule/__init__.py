"""How a gate decides: from the values of rounds to verdicts. Nothing is measured here."""
