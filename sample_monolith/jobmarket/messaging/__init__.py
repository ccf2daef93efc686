"""Candidates and companies write to each other."""
