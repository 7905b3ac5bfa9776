"""What runs on the inner side of the walls, before the untrusted program: standard library only, no state, no network."""
