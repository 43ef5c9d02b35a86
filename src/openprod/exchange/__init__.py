"""Doors for files: tables of other programs in, tables of ours out. Knows formats; decides nothing about values."""
