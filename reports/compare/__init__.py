"""One run against another, and machines against each other: what changed, and what else differs."""
