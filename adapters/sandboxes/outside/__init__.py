"""What stands outside the walls over one running program, in a process of its own: standard library only."""
