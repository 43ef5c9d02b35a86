"""What is asked for: query text to tree, tree to one SELECT, which changes touch it. Quiet."""
