"""The exam of the referee of steps: mistakes that it must find, legal variants that it must not refuse, and other rules."""
