"""What breaks, and what it costs. A package, so that no module of the same name comes first."""
