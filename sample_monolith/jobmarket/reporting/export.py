"""Tables as CSV, for the spreadsheet of the accountant."""

import csv
import io

from sqlalchemy import text

from jobmarket.db import session
from jobmarket.errors import NotFound

# Columns are named, so that what is added to a table later does not leak by itself.
EXPORTS = {
    "applications": ("applications", "id, job_id, user_id, stage, created_at"),
    "ledger": ("ledger_entries", "id, company_id, kind, amount_cents, reference, month"),
    "invoices": ("invoices", "id, company_id, number, month, total_cents, status"),
    "companies": ("companies", "id, name, slug, city, is_verified"),
}


def export_csv(name: str) -> str:
    if name not in EXPORTS:
        raise NotFound(f"no export {name}")
    table, columns = EXPORTS[name]
    rows = session.execute(text(f"SELECT {columns} FROM {table} ORDER BY id"))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows.keys())
    writer.writerows(rows)
    return out.getvalue()
