"""One swarm: what we have, what we want, from whom to get it and whom to serve."""
