"""The words: ids, clocks, values, slots, ops, bundles. True without any workspace; imports nothing of ours."""
