"""The application that the ledger's factory makes."""

from flask import Flask


def application() -> Flask:
    return Flask("bank")
