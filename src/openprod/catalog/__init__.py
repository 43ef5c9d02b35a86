"""What tables mean: manifests, tables, fields, relations, names a person may use, checks on a local intent. Quiet."""
