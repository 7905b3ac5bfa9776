"""What the local Slack and the local Discord have in common: a server on a free port, a clock that tests move, faults by script."""
