"""The desk: the only place that writes, and the public Python API."""
