"""The standard features of all four tables, the eligible customers and the labels, in DuckDB's SQL. The SQL of the
payment features is in `features.py`.

A date is given in microseconds since 1970-01-01. Features use only what was known strictly before the date.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from features import DAY, WINDOWS, plan

TABLES = ["customers", "payments", "tickets", "activities"]
HORIZON = 90


def tickets(d: int) -> str:
    """Returns the SQL query for the ticket features at one date. The query aggregates the tickets by customer in one
    pass."""
    resolved = f"resolved < {d}"
    inner = [
        "count(*) AS lifetime",
        "min(opened) AS first",
        "max(opened) AS last",
        f"count(*) FILTER (resolved IS NULL OR resolved >= {d}) AS open",
        f"min(opened) FILTER (resolved IS NULL OR resolved >= {d}) AS oldest_open",
        f"arg_max(satisfaction, resolved) FILTER ({resolved} AND satisfaction IS NOT NULL) AS last_satisfaction",
    ]
    outer = []
    for w in WINDOWS:
        start, before = d - w * DAY, d - 2 * w * DAY
        within, closed = f"opened >= {start}", f"{resolved} AND resolved >= {start}"
        inner += [
            f"count(*) FILTER ({within}) AS count_{w}",
            f"count(*) FILTER ({within} AND priority IN ('high', 'urgent')) AS urgent_{w}",
            f"count(*) FILTER ({closed}) AS resolved_{w}",
            f"avg(resolved - opened) FILTER ({closed}) AS resolution_{w}",
            f"avg(satisfaction) FILTER ({closed}) AS satisfaction_{w}",
            f"avg(answered - opened) FILTER ({within} AND answered < {d}) AS response_{w}",
            f"count(*) FILTER (opened >= {before} AND opened < {start}) AS before_{w}",
        ]
        outer += [
            f"coalesce(count_{w}, 0) AS tickets_count_{w}d",
            f"coalesce(urgent_{w}, 0) AS tickets_urgent_count_{w}d",
            f"0 AS tickets_reopened_count_{w}d",
            f"coalesce(resolved_{w}, 0) AS tickets_resolved_count_{w}d",
            f"resolution_{w} / {DAY // 24} AS tickets_resolution_hours_mean_{w}d",
            f"satisfaction_{w} AS tickets_satisfaction_mean_{w}d",
            f"response_{w} / {DAY // 24} AS tickets_first_response_hours_mean_{w}d",
            f"coalesce(count_{w}, 0) - coalesce(before_{w}, 0) AS tickets_count_change_{w}d",
            f"{usual(start, w)} AS tickets_count_vs_usual_{w}d",
        ]
    outer += [
        "coalesce(lifetime, 0) AS tickets_lifetime_count",
        "coalesce(open, 0) AS tickets_open_count",
        f"({d} - oldest_open) / {DAY} AS tickets_oldest_open_days",
        f"({d} - last) / {DAY} AS tickets_days_since_last",
        "last_satisfaction AS tickets_last_satisfaction",
    ]
    return f"""
        WITH visible AS (
            SELECT customer_id, epoch_us(opened_at) AS opened, epoch_us(first_response_at) AS answered,
                epoch_us(resolved_at) AS resolved, priority, satisfaction
            FROM tickets WHERE epoch_us(opened_at) < {d}),
        grouped AS (SELECT customer_id, {", ".join(inner)} FROM visible GROUP BY customer_id)
        SELECT customer_id, {", ".join(outer)} FROM customers LEFT JOIN grouped USING (customer_id)"""


def usual(start: int, w: int) -> str:
    """Returns the SQL expression for the number of events of a customer in the window, divided by the usual number. The
    usual number is computed from the rate of events before the window."""
    past = f"nullif((lifetime - count_{w}) * {w} / (({start} - first) / {DAY}), 0)"
    return f"CASE WHEN {start} - first >= {w * DAY} THEN count_{w} / {past} END"


def activities(d: int) -> str:
    """Returns the SQL query for the activity features at one date. A kind of activity is counted in a window if the
    last activity of this kind lies in the window. Windows begin at midnight, so a day is counted in a window if it is
    not before the first day of the window."""
    inner = ["count(*) AS lifetime", "min(moment) AS first", "max(moment) AS last"]
    days, kinds, outer = [], [], []
    for w in WINDOWS:
        start, before = d - w * DAY, d - 2 * w * DAY
        inner += [
            f"count(*) FILTER (moment >= {start}) AS count_{w}",
            f"sum(quantity) FILTER (moment >= {start}) AS quantity_{w}",
            f"count(*) FILTER (moment >= {before} AND moment < {start}) AS before_{w}",
        ]
        days.append(f"count(*) FILTER (day >= {start // DAY}) AS days_{w}")
        kinds.append(f"count(*) FILTER (seen >= {start}) AS kinds_{w}")
        outer += [
            f"coalesce(count_{w}, 0) AS activities_count_{w}d",
            f"coalesce(quantity_{w}, 0) AS activities_quantity_sum_{w}d",
            f"coalesce(days_{w}, 0) AS activities_active_days_{w}d",
            f"coalesce(kinds_{w}, 0) AS activities_kinds_{w}d",
            f"coalesce(count_{w}, 0) - coalesce(before_{w}, 0) AS activities_count_change_{w}d",
            f"{usual(start, w)} AS activities_count_vs_usual_{w}d",
        ]
    gap = f"((last - first) / nullif(lifetime - 1, 0) / {DAY})"
    outer += [
        "coalesce(lifetime, 0) AS activities_lifetime_count",
        f"({d} - last) / {DAY} AS activities_days_since_last",
        f"{gap} AS activities_gap_days_mean",
        f"({d} - last) / {DAY} / nullif({gap}, 0) AS activities_recency_ratio",
    ]
    return f"""
        WITH visible AS (
            SELECT customer_id, epoch_us("at") AS moment, kind, quantity FROM activities WHERE epoch_us("at") < {d}),
        grouped AS (SELECT customer_id, {", ".join(inner)} FROM visible GROUP BY customer_id),
        by_day AS (SELECT DISTINCT customer_id, moment // {DAY} AS day FROM visible),
        days AS (SELECT customer_id, {", ".join(days)} FROM by_day GROUP BY customer_id),
        by_kind AS (SELECT customer_id, kind, max(moment) AS seen FROM visible GROUP BY customer_id, kind),
        kinds AS (SELECT customer_id, {", ".join(kinds)} FROM by_kind GROUP BY customer_id)
        SELECT customer_id, {", ".join(outer)} FROM customers LEFT JOIN grouped USING (customer_id)
        LEFT JOIN days USING (customer_id) LEFT JOIN kinds USING (customer_id)"""


def load(directory: Path, threads: int) -> duckdb.DuckDBPyConnection:
    """Reads the raw tables from Parquet into DuckDB's memory. The event ids are left out, because no feature uses
    them."""
    connection = duckdb.connect(config={"threads": threads})
    columns = {"customers": "*", "payments": "* EXCLUDE (payment_id)", "tickets": "* EXCLUDE (ticket_id)", "activities": "*"}
    for name in TABLES:
        path = directory / f"{name}.parquet"
        connection.execute(f"CREATE TABLE all_{name} AS SELECT {columns[name]} FROM read_parquet('{path}')")
    return connection


def churned(d: int) -> str:
    return f"coalesce(epoch_us(churned_at) < {d + HORIZON * DAY}, false)"


def labels(connection: duckdb.DuckDBPyConnection, dates: Iterable[int]) -> pa.Table:
    """Returns the eligible customers at each of the dates, and whether each of these customers cancels in the label
    period of the date."""
    parts = [
        f"SELECT customer_id, {d} AS as_of, {churned(d)} AS churned"
        f" FROM all_customers WHERE epoch_us(signed_up_at) < {d} AND (churned_at IS NULL OR epoch_us(churned_at) >= {d})"
        for d in dates
    ]
    return connection.sql(" UNION ALL ".join(parts)).to_arrow_table()


def only(connection: duckdb.DuckDBPyConnection, customers: np.ndarray | None) -> None:
    """Restricts later queries to the given customers. `None` means all customers."""
    connection.register("drawn", pa.table({"customer_id": [] if customers is None else customers}))
    for name in TABLES:
        view = "known" if name == "customers" else name
        source = f"all_{name}"
        if customers is not None:
            source = f"some_{name}"
            connection.execute(f"CREATE OR REPLACE TABLE {source} AS SELECT * FROM all_{name} SEMI JOIN drawn USING (customer_id)")
        connection.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {source}")
    connection.unregister("drawn")


def features(connection: duckdb.DuckDBPyConnection, d: int, labelled: bool = False) -> pa.Table:
    """Returns all features of the eligible customers at one date, with one row per customer. If the label is requested,
    it is the last column."""
    label = f", {churned(d)} AS churned" if labelled else ""
    connection.execute(f"""
        CREATE OR REPLACE VIEW customers AS SELECT * FROM known
        WHERE epoch_us(signed_up_at) < {d} AND (churned_at IS NULL OR epoch_us(churned_at) >= {d})""")
    return connection.sql(f"""
        SELECT customer_id, {d} AS as_of, ({d} - epoch_us(signed_up_at)) / {DAY} AS customer_tenure_days, plan AS customer_plan,
            seats AS customer_seats, p.* EXCLUDE (customer_id), t.* EXCLUDE (customer_id), a.* EXCLUDE (customer_id){label}
        FROM customers JOIN ({plan(d)}) AS p USING (customer_id) JOIN ({tickets(d)}) AS t USING (customer_id)
        JOIN ({activities(d)}) AS a USING (customer_id)""").to_arrow_table()
