"""Numbers over everything."""
