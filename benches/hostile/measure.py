"""Measures what hostile input costs in Python: ids with equal hashes, a row with too many attributes, and Ctrl-C.

Usage: python benches/hostile/measure.py
"""

import os
import signal
import threading
import time

import churn_core as churn
import numpy as np
import pandas as pd
import pyarrow as pa

MASK = (1 << 64) - 1


def fold(a: int, b: int) -> int:
    product = a * b
    return (product >> 64) ^ (product & MASK)


def colliding(count: int) -> list[str]:
    """Returns ids that all have the same hash under a hash function with the constants of wyhash and without a seed.
    Version 406262d of this library used such a function."""
    ids = []
    first = 0xA0761D6478BD642F ^ 16
    second = 0xE7037ED1A0B428DB ^ (((first << 32) | (first >> 32)) & MASK)
    number = 0
    while len(ids) < count:
        head = f"{number:08}"
        state = fold(first ^ int.from_bytes(head.encode(), "little"), second)
        tail = state.to_bytes(8, "little")
        # The last eight bytes of the id cancel the state of the hash. If these bytes are not UTF-8, no id is added.
        try:
            ids.append(head + tail.decode())
        except UnicodeDecodeError:
            pass
        number += 1
    return ids


def tables(ids: list[str]) -> dict[str, pa.Table]:
    days = np.datetime64("2024-01-01") + np.arange(len(ids)) % 300
    customers = pa.table({"customer_id": ids, "signed_up_at": days})
    payments = pa.table({"customer_id": ids * 3, "due_at": np.tile(days + 30, 3), "amount": np.ones(3 * len(ids))})
    return {"customers": customers, "payments": payments}


def seconds(call) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def collisions() -> None:
    hostile = colliding(40_000)
    rng = np.random.default_rng(1)
    ordinary = ["".join(chr(97 + c) for c in rng.integers(0, 26, 18)) for _ in hostile]
    both = {"colliding": tables(hostile), "ordinary": tables(ordinary)}
    times: dict[str, list[float]] = {name: [] for name in both}
    matrices = {}
    for _ in range(9):
        for name, given in both.items():
            times[name].append(seconds(lambda given=given: churn.TenantRecords("t", **given)))
            matrix = churn.features(churn.TenantRecords("t", **given), as_of="2025-01-01")
            places = {customer: row for row, customer in enumerate(matrix.customer_ids)}
            ids = given["customers"]["customer_id"].to_pylist()
            matrices[name] = matrix.to_numpy()[[places[customer] for customer in ids]]
    slow, usual = (min(times[name]) for name in both)
    equal = np.array_equal(matrices["colliding"], matrices["ordinary"], equal_nan=True)
    print(f"40 000 colliding ids: {slow * 1e3:.0f} ms, ordinary {usual * 1e3:.0f} ms, ratio {slow / usual:.2f}, equal features: {equal}")


def wide(columns: int) -> None:
    row = {"customer_id": "a", "signed_up_at": "2024-01-01"} | {f"attribute {i}": i for i in range(columns)}
    begin = time.perf_counter()
    try:
        churn.TenantRecords("t", customers=[row], static_attributes="all")
        outcome = "accepted"
    except churn.ChurnError as error:
        outcome = error.code
    print(f"one row of {columns} attributes: {time.perf_counter() - begin:.2f} s, {outcome}")


def interrupted(name: str, call, whole: float) -> None:
    """Runs a call five times, and sends SIGINT at a different time in each run. Prints how long the call continues
    after SIGINT."""
    delays = []
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        sent = []

        def send() -> None:
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(whole * share, send)
        timer.start()
        try:
            call()
            timer.cancel()
            timer.join()
        except KeyboardInterrupt:
            delays.append(time.perf_counter() - sent[0])
        try:
            time.sleep(0.05)
        except KeyboardInterrupt:
            pass
    listed = ", ".join(f"{delay * 1e3:.0f}" for delay in delays)
    print(f"Ctrl-C in {name} ({whole:.1f} s): {len(delays)} of 5 stopped the call, after {listed} ms")


def interrupts() -> None:
    count = 2_000_000
    ids = [f"c{i}" for i in range(20_000)]
    customers = pa.table({"customer_id": ids, "signed_up_at": np.full(len(ids), np.datetime64("2022-01-01"))})
    numbers = np.arange(count)
    frame = pd.DataFrame(
        {
            "customer_id": np.array(ids, dtype=object)[numbers % len(ids)],
            "due_at": np.datetime64("2023-01-01") + (numbers % 700).astype("timedelta64[D]"),
            "amount": (numbers % 97).astype(float),
        }
    )
    texts = frame.assign(due_at=frame["due_at"].astype(str))
    arrow = pa.Table.from_pandas(frame)
    rows = texts.head(500_000).to_dict("records")
    sources = {
        "a pandas frame": frame,
        "a pandas frame of texts": texts,
        "an Arrow table": arrow,
        "500 000 dicts": rows,
        "a generator of dicts": None,
    }
    for name, payments in sources.items():

        def call(payments=payments) -> None:
            given = payments if payments is not None else (row for row in rows)
            churn.TenantRecords("t", customers=customers, payments=given)

        interrupted(name, call, seconds(call))


collisions()
for columns in (5_000, 100_000):
    wide(columns)
interrupts()
