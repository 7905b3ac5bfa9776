"""How good what is generated is, and how fast: `python -m bench.generation` and `python -m bench.generation.throughput`."""
