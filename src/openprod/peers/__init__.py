"""Doors to other devices: each a thin driver between bytes from outside and the workspace."""
