"""Two services in small: orders are published, billing copies them and notes calls."""
