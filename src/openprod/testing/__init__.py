"""Pretended time, network, disk and people, for our tests and those of module authors. Nobody imports this room."""
