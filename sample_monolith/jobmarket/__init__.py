"""jobmarket: a job marketplace."""

__version__ = "4.7.0"
