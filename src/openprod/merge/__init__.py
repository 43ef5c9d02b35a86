"""What edits mean together: who knew what, heads joined and replaced, the shown value, the state hash.

Quiet: facts in, values out.
"""
