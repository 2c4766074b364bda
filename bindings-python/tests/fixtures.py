"""The fixtures that all three languages read."""

import json
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "tests/fixtures"
TABLES = ("customers", "payments", "tickets", "activities")


def value(given):
    """A value of a row; ``{"float": "NaN"}`` stands for a number that JSON cannot represent."""
    return float(given["float"]) if isinstance(given, dict) else given


def read_tables(holder):
    return {
        table: [{name: value(given) for name, given in row.items()} for row in holder[table]]
        for table in TABLES
        if table in holder
    }


def read(path):
    return json.loads((FIXTURES / path).read_text(encoding="utf-8"))
