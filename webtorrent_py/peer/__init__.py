"""One connection to one peer."""
