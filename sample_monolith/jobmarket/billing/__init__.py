"""What a company pays: plans, quotas, the ledger, invoices."""
