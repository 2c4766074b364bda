"""Measures how long this library's store takes to write and read payments and scores, and compares this time with the
times of SQLAlchemy and pandas. The store is also compared with the fastest way to load and read rows, which is COPY in
Postgres and a prepared statement in a loop in SQLite.

Usage: store.py [--payments 1000000] [--customers 100000] [--repeat 3] [--runs 20] [--reads 200]
                [--databases sqlite postgres]

If DATABASE_URL is set, the script uses the Postgres server of this URL. The role in the URL must be able to create
databases and roles. Without DATABASE_URL, the script starts a temporary Postgres server, which does not wait for the
disk (fsync=off). SQLite does wait for the disk (journal_mode=WAL, synchronous=FULL). These settings are the same for
all loaders.

Each loader receives the payments in the form that it loads fastest: an Arrow table for this library, a list of dicts
for SQLAlchemy, a list of tuples for the prepared statement, and bytes for COPY. The time to prepare this form is not
measured. The other loaders write to one table with a primary key and validate nothing, and their plain inserts are not
idempotent. The loaders take turns, and each round begins with an empty database. Times are medians. The output is
Markdown.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
if __name__ == "__main__" and not os.environ.get("DATABASE_URL") and "sqlite" not in sys.argv[-1:]:
    os.execv(ROOT / "tests/postgres.sh", ["tests/postgres.sh", sys.executable, *sys.argv])

import churn_core as churn
import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

AT = datetime(2024, 6, 1, tzinfo=UTC)
AS_OF = "2024-01-01"
DAY = np.timedelta64(86_400_000_000, "us")


def made(payments: int, customers: int) -> tuple[pa.Table, pa.Table]:
    """Returns customers with two years of payments. A third of the customers stop paying early."""
    draw = np.random.default_rng(1)
    start = np.datetime64("2022-06-01", "us")
    people = pa.table(
        {
            "customer_id": [f"C-{n:07}" for n in range(customers)],
            "signed_up_at": np.full(customers, start),
        }
    )
    who = draw.integers(customers, size=payments)
    stops = np.where(who % 3 == 0, 100 + who * 37 % 500, 730)
    day = (draw.random(payments) * stops).astype(int)
    due = start + day * DAY + draw.integers(86_400, size=payments) * np.timedelta64(1_000_000, "us")
    rows = pa.table(
        {
            "payment_id": [f"P-{n:09}" for n in range(payments)],
            "customer_id": people["customer_id"].take(pa.array(who)),
            "due_at": due,
            "settled_at": due + DAY,
            "amount": np.round(draw.random(payments) * 90 + 10, 2),
            "status": np.where(draw.random(payments) < 0.02, "failed", "paid"),
            "currency": ["EUR"] * payments,
        }
    )
    failed = pa.compute.equal(rows["status"], "failed")
    settled = pa.compute.if_else(failed, pa.scalar(None, pa.timestamp("us")), rows["settled_at"])
    return people, rows.set_column(3, "settled_at", settled)


class Databases:
    """Creates empty databases for the measurements, and drops them afterwards."""

    def __init__(self, kind: str, folder: str) -> None:
        self.kind, self.folder, self.count = kind, folder, 0
        if kind == "postgres":
            import psycopg

            self.admin = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
            self.role = f"churn_bench_{os.getpid()}"
            self.admin.execute(f"CREATE ROLE {self.role} LOGIN PASSWORD 'bench' NOSUPERUSER NOBYPASSRLS")

    def empty(self) -> sa.URL:
        self.count += 1
        if self.kind == "sqlite":
            return sa.make_url(f"sqlite:///{self.folder}/{self.count}.db")
        name = f"churn_bench_{os.getpid()}_{self.count}"
        self.admin.execute(f"CREATE DATABASE {name}")
        return sa.make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg", database=name)

    def drop(self, url: sa.URL) -> None:
        if self.kind == "sqlite":
            for file in Path(self.folder).glob(f"{Path(url.database).name}*"):
                file.unlink()
        else:
            self.admin.execute(f"DROP DATABASE {url.database} WITH (FORCE)")

    def end(self) -> None:
        if self.kind == "postgres":
            self.admin.execute(f"DROP ROLE {self.role}")

    def store(self, url: sa.URL) -> churn.Store:
        """Opens the store as an application in production does. In Postgres, the store connects with a role that is
        subject to row-level security."""
        if self.kind == "sqlite":
            return churn.Store.open(f"sqlite://{url.database}")
        plain = url.set(drivername="postgres")
        with churn.Store.open(plain.render_as_string(hide_password=False)) as owner:
            owner.grant_to(self.role)
        serving = plain.set(username=self.role, password="bench")
        return churn.Store.open(serving.render_as_string(hide_password=False), migrate=False)


def engine_of(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url)
    if url.drivername == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def durable(connection: Any, _: Any) -> None:
            connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536")

    return engine


def payments_table() -> sa.Table:
    return sa.Table(
        "payments",
        sa.MetaData(),
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("payment_id", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("amount", sa.Float, nullable=False),
        sa.Column("status", sa.Text),
        sa.Column("currency", sa.Text),
    )


def scores_table() -> sa.Table:
    table = sa.Table(
        "scores",
        sa.MetaData(),
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("as_of", sa.BigInteger, primary_key=True),
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("probability", sa.Float),
        sa.Column("risk_band", sa.Text),
    )
    sa.Index("by_risk", table.c.tenant_id, table.c.as_of, table.c.probability)
    return table


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    gc.disable()
    begun = time.perf_counter()
    try:
        found = work()
        return time.perf_counter() - begun, found
    finally:
        gc.enable()


def loading(databases: Databases, people: pa.Table, rows: pa.Table, repeat: int) -> tuple[dict[str, float], dict[str, float]]:
    """For each loader, returns the median time of loading all payments and the median time of reading them back."""
    stored = rows.set_column(2, "due_at", rows["due_at"].cast(pa.int64()))
    stored = stored.set_column(3, "settled_at", stored["settled_at"].cast(pa.int64()))
    stored = stored.add_column(0, "tenant_id", [["acme"] * len(rows)])
    dicts = stored.to_pylist()
    tuples = [tuple(row.values()) for row in dicts]
    names = stored.column_names
    table = payments_table()
    loads: dict[str, list[float]] = {}
    reads: dict[str, list[float]] = {}

    def note(into: dict[str, list[float]], name: str, work: Callable[[], Any]) -> Any:
        seconds, found = timed(work)
        into.setdefault(name, []).append(seconds)
        return found

    def insert(engine: sa.Engine, statement: Any) -> None:
        with engine.begin() as connection:
            connection.execute(statement, dicts)

    def there(url: sa.URL) -> sa.Engine:
        engine = engine_of(url)
        table.metadata.create_all(engine)
        return engine

    for _ in range(repeat):
        url = databases.empty()
        with databases.store(url) as store:
            acme = store.tenant("acme")
            acme.customers.upsert(people)
            done = note(loads, "**this library**", lambda: acme.payments.upsert(rows))
            assert done.rows_changed == len(rows)
            again = note(loads, "**this library**, the same batch again", lambda: acme.payments.upsert(rows))
            assert again.rows_changed == 0
            records = note(reads, "**this library**: records", acme.records)
            expected = churn.features(records, AS_OF).to_numpy().tobytes()
            del records
        databases.drop(url)

        url = databases.empty()
        engine = there(url)
        note(loads, "SQLAlchemy, bulk insert", lambda: insert(engine, table.insert()))
        frame = note(reads, "pandas.read_sql", lambda: pd.read_sql(table.select(), engine))
        assert len(frame) == len(rows)
        engine.dispose()
        del frame

        def records_of_pandas() -> churn.TenantRecords:
            frame = pd.read_sql(table.select(), engine)
            for name in ("due_at", "settled_at"):
                frame[name] = pd.to_datetime(frame[name], unit="us")
            return churn.TenantRecords(tenant="acme", customers=people, payments=frame)

        records = note(reads, "pandas.read_sql, then records of the frame", records_of_pandas)
        assert churn.features(records, AS_OF).to_numpy().tobytes() == expected
        engine.dispose()
        databases.drop(url)

        url = databases.empty()
        engine = there(url)
        dialect: Any = __import__(f"sqlalchemy.dialects.{engine.dialect.name}", fromlist=["insert"])
        upsert = dialect.insert(table)
        changed = {name: upsert.excluded[name] for name in names[2:]}
        upsert = upsert.on_conflict_do_update(index_elements=names[:2], set_=changed)
        note(loads, "SQLAlchemy, insert .. on conflict update", lambda: insert(engine, upsert))
        engine.dispose()
        databases.drop(url)

        url = databases.empty()
        there(url).dispose()
        if databases.kind == "sqlite":
            raw = sqlite3.connect(url.database)
            raw.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536")
            marks = ", ".join("?" * len(names))

            def loop() -> None:
                with raw:
                    raw.executemany(f"INSERT INTO payments ({', '.join(names)}) VALUES ({marks})", tuples)

            note(loads, "limit: prepared statement in a loop", loop)
            note(reads, "limit: all rows fetched", lambda: raw.execute("SELECT * FROM payments").fetchall())
            raw.close()
        else:
            import psycopg

            lines = "".join("\t".join("\\N" if value is None else str(value) for value in row) + "\n" for row in tuples).encode()
            plain = url.set(drivername="postgresql").render_as_string(hide_password=False)

            def copy_in() -> None:
                with psycopg.connect(plain) as raw, raw.cursor().copy(f"COPY payments ({', '.join(names)}) FROM STDIN") as copy:
                    for at in range(0, len(lines), 1 << 20):
                        copy.write(lines[at : at + (1 << 20)])

            def copy_out() -> int:
                with psycopg.connect(plain) as raw, raw.cursor().copy("COPY payments TO STDOUT") as copy:
                    return sum(len(piece) for piece in copy)

            note(loads, "limit: COPY from bytes", copy_in)
            assert note(reads, "limit: COPY to bytes", copy_out) > 0
        databases.drop(url)
    return ({name: statistics.median(all_) for name, all_ in each.items()} for each in (loads, reads))  # type: ignore[return-value]


def quantiles(seconds: list[float]) -> tuple[float, float]:
    ordered = sorted(seconds)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def scoring(
    databases: Databases, model: churn.ChurnModel, run: churn.ScoreRun, runs: int, reads: int
) -> dict[str, tuple[float, float]]:
    """Measures the time of saving a run, and the time of reading the hundred riskiest customers of the run. Returns p50
    and p99 of both times."""
    found: dict[str, tuple[float, float]] = {}
    url = databases.empty()
    with databases.store(url) as store:
        acme = store.tenant("acme")
        kept = [timed(lambda: acme.scores.save(model, run, at=AT))[0] for _ in range(runs)]
        found["**this library**: run kept, with the reasons of the 100 riskiest"] = quantiles(kept)
        kept = [timed(lambda: acme.scores.save(model, run, at=AT, reasons=0))[0] for _ in range(runs)]
        found["**this library**: run kept, without reasons"] = quantiles(kept)
        acme.scores.save(model, run, at=AT)
        tops = [timed(lambda: acme.scores.high_risk(100)) for _ in range(reads)]
        found["**this library**: the 100 riskiest with their reasons"] = quantiles([seconds for seconds, _ in tops])
        best = [score.probability for score in tops[0][1].scores]
    databases.drop(url)

    url = databases.empty()
    engine, table = engine_of(url), scores_table()
    table.metadata.create_all(engine)
    frame = run.to_pandas()
    as_of = int(pd.Timestamp(AS_OF).value // 1000)
    rows = [
        {"tenant_id": "acme", "as_of": as_of, "customer_id": who, "probability": None if np.isnan(risk) else risk, "risk_band": band}
        for who, risk, band in zip(frame["customer_id"], frame["probability"].tolist(), frame["risk_band"], strict=True)
    ]

    def keep() -> None:
        with engine.begin() as connection:
            connection.execute(table.delete().where(table.c.tenant_id == "acme", table.c.as_of == as_of))
            connection.execute(table.insert(), rows)

    found["SQLAlchemy: run kept, without reasons"] = quantiles([timed(keep)[0] for _ in range(runs)])
    top = (
        table.select()
        .where(table.c.tenant_id == "acme", table.c.as_of == as_of, table.c.probability.is_not(None))
        .order_by(table.c.probability.desc())
        .limit(100)
    )

    def read() -> Any:
        with engine.connect() as connection:
            return connection.execute(top).all()

    assert [row.probability for row in read()] == best
    found["SQLAlchemy: the 100 riskiest, without reasons"] = quantiles([timed(read)[0] for _ in range(reads)])
    engine.dispose()
    databases.drop(url)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("payments", 1_000_000), ("customers", 100_000), ("repeat", 3), ("runs", 20), ("reads", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgres"), default=["sqlite", "postgres"])
    given = parser.parse_args()
    versions = f"churn-core {churn.__version__}, SQLAlchemy {sa.__version__}, pandas {pd.__version__}, SQLite {sqlite3.sqlite_version}"
    print(f"{given.payments:,} payments, {given.repeat} rounds; {os.cpu_count()} cores, Python {platform.python_version()}, {versions}\n")

    people, rows = made(given.payments, max(given.payments // 10, 100))
    # The model is trained on a small tenant and scores a large one.
    few, their = made(40_000, 2000)
    small = {"boosting": {"n_trees": 50}, "forest": {"n_trees": 30}, "folds": 2}
    # The activity window is two years long, so that every customer is eligible and scored.
    definition = churn.Inactivity(horizon=60, active_within=730, on="payments")
    sample = churn.TenantRecords(tenant="acme", customers=few, payments=their)
    model = churn.ChurnModel.train(sample, definition=definition, **small)
    many, paid = made(given.customers * 10, given.customers)
    run = model.score(churn.TenantRecords(tenant="acme", customers=many, payments=paid), AS_OF)
    del many, paid

    for kind in given.databases:
        with tempfile.TemporaryDirectory(prefix="churn-bench-") as folder:
            databases = Databases(kind, folder)
            loads, reads = loading(databases, people, rows, given.repeat)
            print(f"### {kind}\n\n| loading | seconds | rows/s |\n|---|---|---|")
            for name, seconds in loads.items():
                print(f"| {name} | {seconds:.2f} | {given.payments / seconds:,.0f} |")
            print("\n| reading all of them | seconds | rows/s |\n|---|---|---|")
            for name, seconds in reads.items():
                print(f"| {name} | {seconds:.2f} | {given.payments / seconds:,.0f} |")
            print(f"\n| a run of {len(run):,} scored customers, ms | p50 | p99 |\n|---|---|---|")
            for name, (p50, p99) in scoring(databases, model, run, given.runs, given.reads).items():
                print(f"| {name} | {p50 * 1000:,.1f} | {p99 * 1000:,.1f} |")
            print(flush=True)
            databases.end()


if __name__ == "__main__":
    main()
