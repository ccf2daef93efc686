"""A carved service in small: accounts are published, entries are kept by the ledger."""
