"""Full text search, saved searches and their alerts."""
