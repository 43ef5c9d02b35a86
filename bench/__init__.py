"""Timings of what people wait for, each beside a floor measured in the same run: `make bench`."""
