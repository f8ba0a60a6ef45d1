"""What rows come in: JSON Lines, JSON arrays, CSV, Parquet and plain text, each read in a stream of its own file."""
