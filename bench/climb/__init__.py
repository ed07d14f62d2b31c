"""The climb: the fastest recipe for a step, found stage by stage, each stage an ordinary race."""
