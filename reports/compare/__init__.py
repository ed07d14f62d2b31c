"""One run against another: what changed, and what else differs."""
