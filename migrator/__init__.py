"""Take a Python monolith over a relational database to services that own their tables."""

__version__ = "0.1.0"
