"""People: registering, logging in, profiles, tokens, privacy."""
