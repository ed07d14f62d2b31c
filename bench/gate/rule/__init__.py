"""The rule by which a gate decides: rounds in, verdicts out. Numbers only; nothing is raced here."""
