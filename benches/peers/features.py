"""Compares how long this library and DuckDB take to compute the payment features of the standard plan from the same raw
columns.

    cargo build --release -p churn-benches --example features_peer
    python benches/peers/features.py [--customers 1000000] [--threads 1 2] [--repeats 3]

Each customer has ten payments, and ids are texts. Each run is a separate process. After one warm-up run, the two sides
alternate. DuckDB's tables are loaded into memory before the time of DuckDB is measured. The time of this library starts
with the Arrow columns and includes validation. For every value of every feature, the relative difference between the
two sides must be at most 1e-9.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.ipc

DAY = 86_400_000_000
WINDOWS = [28, 91, 182, 364]
# The dates are those of `dates` in scale.rs. The last date is 90 days before the end of the history, and the dates are
# 30 days apart.
LAST = (18_993 + 900 - 90) * DAY
ROOT = Path(__file__).resolve().parents[2]


def plan(d: int) -> str:
    """Returns the SQL query for the payment features of the standard plan at one date. The query aggregates the
    payments by customer in one pass."""
    paid, failed, pending = "state >= 2", "state = 1", "state = 0"
    inner, outer = [], []

    def add(name: str, expression: str) -> None:
        inner.append(f"{expression} AS {name}")

    for w in WINDOWS:
        start, before = d - w * DAY, d - 2 * w * DAY
        within = f"due >= {start}"
        add(f"count_{w}", f"count(*) FILTER ({within})")
        add(f"paid_count_{w}", f"count(*) FILTER ({paid} AND {within})")
        add(f"failed_count_{w}", f"count(*) FILTER ({failed} AND {within})")
        add(f"refunded_count_{w}", f"count(*) FILTER (state = 3 AND refunded >= {start})")
        add(f"refunded_sum_{w}", f"sum(amount) FILTER (state = 3 AND refunded >= {start})")
        add(f"paid_sum_{w}", f"sum(amount) FILTER ({paid} AND {within})")
        add(f"paid_max_{w}", f"max(amount) FILTER ({paid} AND {within})")
        add(f"paid_std_{w}", f"stddev_samp(amount) FILTER ({paid} AND {within})")
        add(f"late_{w}", f"avg(greatest(settled - due, 0)) FILTER ({paid} AND {within})")
        add(f"paid_sum_before_{w}", f"sum(amount) FILTER ({paid} AND due >= {before} AND due < {start})")
        add(f"gap_mean_{w}", f"avg(due - previous) FILTER ({paid} AND previous >= {start})")
        add(f"gap_std_{w}", f"stddev_samp(due - previous) FILTER ({paid} AND previous >= {start})")
        outer += [
            f"coalesce(count_{w}, 0) AS payments_count_{w}d",
            f"coalesce(paid_count_{w}, 0) AS payments_paid_count_{w}d",
            f"coalesce(failed_count_{w}, 0) AS payments_failed_count_{w}d",
            f"coalesce(refunded_count_{w}, 0) AS payments_refunded_count_{w}d",
            f"coalesce(refunded_sum_{w}, 0) AS payments_refunded_sum_{w}d",
            f"coalesce(paid_sum_{w}, 0) AS payments_paid_sum_{w}d",
            f"paid_sum_{w} / nullif(paid_count_{w}, 0) AS payments_paid_mean_{w}d",
            f"paid_max_{w} AS payments_paid_max_{w}d",
            f"paid_std_{w} AS payments_paid_std_{w}d",
            f"failed_count_{w} / nullif(paid_count_{w} + failed_count_{w}, 0) AS payments_failed_share_{w}d",
            f"late_{w} / {DAY} AS payments_late_days_mean_{w}d",
            f"coalesce(paid_sum_{w}, 0) - coalesce(paid_sum_before_{w}, 0) AS payments_paid_sum_change_{w}d",
            f"CASE WHEN {start} - first_paid >= {w * DAY} THEN coalesce(paid_sum_{w}, 0) / nullif((paid_sum - coalesce(paid_sum_{w}, 0))"
            f" * {w} / (({start} - first_paid) / {DAY}), 0) END AS payments_paid_sum_vs_usual_{w}d",
            f"gap_mean_{w} / {DAY} AS payments_gap_days_mean_{w}d",
            f"gap_std_{w} / {DAY} AS payments_gap_days_std_{w}d",
        ]
    add("lifetime", "count(*)")
    add("paid_count", f"count(*) FILTER ({paid})")
    add("paid_sum", f"sum(amount) FILTER ({paid})")
    add("first_paid", f"min(due) FILTER ({paid})")
    add("last_paid", f"max(due) FILTER ({paid})")
    add("last_amount", f"arg_max(amount, due) FILTER ({paid})")
    add("overdue", f"count(*) FILTER ({pending})")
    add("overdue_sum", f"sum(amount) FILTER ({pending})")
    add("failed_count", f"count(*) FILTER ({failed})")
    add("failed_sum", f"sum(amount) FILTER ({failed})")
    add("gap_std", f"stddev_samp(due - previous) FILTER ({paid})")
    gap_mean = f"((last_paid - first_paid) / nullif(paid_count - 1, 0) / {DAY})"
    outer += [
        "coalesce(lifetime, 0) AS payments_lifetime_count",
        "coalesce(paid_sum, 0) AS payments_lifetime_paid_sum",
        f"({d} - last_paid) / {DAY} AS payments_days_since_last_paid",
        f"({d} - first_paid) / {DAY} AS payments_days_since_first_paid",
        "last_amount AS payments_last_paid_amount",
        "coalesce(overdue, 0) AS payments_overdue_count",
        "coalesce(overdue_sum, 0) AS payments_overdue_sum",
        "coalesce(overdue + failed_count, 0) AS payments_unpaid_count",
        "coalesce(overdue_sum, 0) + coalesce(failed_sum, 0) AS payments_unpaid_sum",
        "coalesce(streak, 0) AS payments_failed_streak",
        f"{gap_mean} AS payments_gap_days_mean",
        f"gap_std / {DAY} AS payments_gap_days_std",
        f"({d} - last_paid) / {DAY} / {gap_mean} AS payments_recency_ratio",
    ]
    return f"""
        WITH visible AS (
            SELECT customer_id, epoch_us(due_at) AS due, epoch_us(settled_at) AS settled, epoch_us(refunded_at) AS refunded, amount,
                CASE WHEN settled_at IS NULL OR epoch_us(settled_at) >= {d} OR status = 'pending' THEN 0
                     WHEN status = 'failed' THEN 1 WHEN epoch_us(refunded_at) < {d} THEN 3 ELSE 2 END AS state
            FROM payments WHERE epoch_us(due_at) < {d}),
        ordered AS (
            SELECT *, lag(due) OVER (PARTITION BY customer_id, state >= 2 ORDER BY due) AS previous FROM visible),
        grouped AS (SELECT customer_id, {", ".join(inner)} FROM ordered GROUP BY customer_id),
        streaks AS (
            SELECT customer_id, count(*) AS streak FROM visible JOIN grouped USING (customer_id)
            WHERE state = 1 AND (last_paid IS NULL OR due > last_paid) GROUP BY customer_id)
        SELECT customers.customer_id, {", ".join(outer)}
        FROM customers LEFT JOIN grouped USING (customer_id) LEFT JOIN streaks USING (customer_id)
        WHERE epoch_us(signed_up_at) < {d}"""


def table(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def database(directory: Path, threads: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": threads})
    for name in ["customers", "payments"]:
        given = table(directory / f"{name}.arrow")
        connection.register("given", given)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        connection.unregister("given")
    return connection


def of_duckdb(directory: Path, threads: int, dates: int) -> dict[str, float]:
    connection = database(directory, threads)
    connection.sql(plan(LAST)).to_arrow_table()
    seconds = []
    for step in range(dates):
        start = time.perf_counter()
        connection.sql(plan(LAST - 30 * DAY * step)).to_arrow_table()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    # Every date takes about the same time. For dates that are not measured, the mean time of the measured dates is
    # therefore used.
    return {"one date": seconds[0], "another date": seconds[1], "12 dates": sum(seconds) * 12 / dates, "GiB": peak}


def binary() -> str:
    target = subprocess.run(["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT, check=True, capture_output=True)
    return str(Path(json.loads(target.stdout)["target_directory"]) / "release" / "examples" / "features_peer")


def compare(directory: Path, run: str) -> tuple[int, int, float]:
    """Returns the number of rows, the number of features, and the largest difference between the two sides. For values
    above 1, the difference is relative."""
    out = directory / "matrix.arrow"
    subprocess.run([run, "run", str(directory), "2", str(out)], check=True, capture_output=True)
    ours = table(out)
    theirs = database(directory, 2).sql(plan(LAST)).to_arrow_table().sort_by("customer_id")
    assert ours["customer_id"].to_pylist() == theirs["customer_id"].to_pylist()
    names = [name for name in ours.column_names if name.startswith("payments_")]
    assert names == theirs.column_names[1:], set(names) ^ set(theirs.column_names[1:])
    worst = 0.0
    for name in names:
        a = ours[name].to_numpy()
        b = np.asarray(theirs[name].cast(pa.float64()).to_numpy(zero_copy_only=False), float)
        assert (np.isnan(a) == np.isnan(b)).all(), f"{name}: missing values differ"
        difference = np.nan_to_num(np.abs(a - b) / np.maximum(1.0, np.abs(b))).max()
        assert difference <= 1e-9, f"{name}: differs by {difference}"
        worst = max(worst, difference)
    return len(ours), len(names), worst


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--customers", type=int, default=1_000_000)
    arguments.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--peer-dates", type=int, default=3, help="number of the twelve dates to measure in DuckDB, at least 2")
    arguments.add_argument("--directory", type=Path, default=ROOT / "target" / "features-peer")
    arguments.add_argument("--one", action="store_true")
    given = arguments.parse_args()
    if given.one:
        print(json.dumps(of_duckdb(given.directory, given.threads[0], given.peer_dates)))
        return
    run = binary()
    subprocess.run([run, "write", str(given.directory), str(given.customers)], check=True)
    rows, features, worst = compare(given.directory, run)
    print(f"{rows} rows x {features} features equal, largest difference {worst:.1e}; {platform.machine()}, DuckDB {duckdb.__version__}")
    print(f"{given.customers * 10} payments, medians of {given.repeats} (least to most), seconds\n")
    print("| threads | work | this library | DuckDB | ratio |\n|---|---|---|---|---|")
    for threads in given.threads:
        ours, theirs = [], []
        peer = [sys.executable, __file__, "--one", "--threads", str(threads), "--directory", str(given.directory)]
        peer += ["--peer-dates", str(given.peer_dates)]
        for _ in range(given.repeats):
            for command, runs in [([run, "run", str(given.directory), str(threads)], ours), (peer, theirs)]:
                runs.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
        for work in ["one date", "12 dates", "another date", "GiB"]:
            a, b = ([one[work] for one in runs] for runs in (ours, theirs))
            shown = [f"{statistics.median(x):.2f} ({min(x):.2f} to {max(x):.2f})" for x in (a, b)]
            print(f"| {threads} | {work} | {' | '.join(shown)} | {statistics.median(b) / statistics.median(a):.1f} |", flush=True)


if __name__ == "__main__":
    main()
