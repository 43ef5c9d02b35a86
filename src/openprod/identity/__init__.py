"""Whose hand it was: keys, signatures, invitations and the envelope of `.opx` files.

Knows Ed25519 and its relatives. Must not know chance, time or disk: random bytes and file contents are passed in.
"""
