"""Package registries: what they know of a package."""
