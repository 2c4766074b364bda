"""Reads the test fixtures that the tests in Rust, Python and Node share."""

import json
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "tests/fixtures"
TABLES = ("customers", "payments", "tickets", "activities")


def value(given):
    """Converts a value of a JSON fixture. ``{"float": "NaN"}`` represents NaN, which JSON cannot represent as a
    number."""
    return float(given["float"]) if isinstance(given, dict) else given


def read_tables(holder):
    return {
        table: [{name: value(given) for name, given in row.items()} for row in holder[table]]
        for table in TABLES
        if table in holder
    }


def read(path):
    return json.loads((FIXTURES / path).read_text(encoding="utf-8"))
