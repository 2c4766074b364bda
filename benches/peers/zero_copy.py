"""Measures the cost of reading an Arrow table with 1 000 000 rows and 60 columns of float64. The script prints the peak
memory relative to the size of the table, and the time relative to the time of scoring.

Run it with the release build of the package: ``python benches/peers/zero_copy.py [rows]``. Each input format is
measured in a separate process, so that the peaks do not affect each other.
"""

import subprocess
import sys
import time
from datetime import UTC, datetime

import churn_core as churn
import numpy as np
import pyarrow as pa

COLUMNS = 60


def status(name):
    for line in open("/proc/self/status"):
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


def peak():
    """Returns the peak memory of the process since the last call of `resident`, in MB."""
    return status("VmHWM")


def resident():
    """Returns the memory that the process currently uses, in MB. On Linux, the function also resets the peak
    memory to this number."""
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    return status("VmRSS")


def attributes(rows):
    """Creates a customers table with an id, a sign-up date and 60 float64 attributes."""
    rng = np.random.default_rng(0)
    columns = {"customer_id": pa.array(np.arange(rows))}
    columns["signed_up_at"] = pa.array(np.full(rows, np.datetime64("2024-01-01", "us")))
    columns |= {f"a{number:02}": pa.array(rng.normal(size=rows)) for number in range(COLUMNS)}
    return pa.table(columns)


def records(rows):
    """Measures time and memory if the numbers are passed as attributes of customers. The rows are then validated,
    sorted by id, and stored."""
    table = attributes(rows)
    size, before = table.nbytes / 2**20, resident()
    start = time.perf_counter()
    held = churn.TenantRecords(tenant="wide", customers=table, static_attributes="all")
    spent = time.perf_counter() - start
    start = time.perf_counter()
    matrix = churn.features(held, datetime(2024, 6, 1, tzinfo=UTC))
    features = time.perf_counter() - start
    assert len(matrix) == rows
    print(f"records: {size:.0f} MB in, peak {peak() - before:.0f} MB more (records and matrix kept); "
          f"in {spent:.2f} s, features {features:.2f} s")


def matrix(rows):
    """Measures time and memory if the numbers are passed as a matrix and scored with trees."""
    table = attributes(rows).drop_columns(["customer_id", "signed_up_at"])
    size = table.nbytes / 2**20
    X = np.empty((rows, COLUMNS), order="F")
    for position, column in enumerate(table.columns):
        X[:, position] = column.to_numpy()
    del table
    small = X[:20_000]
    model = churn.ensemble.GradientBoosting(n_estimators=200).fit(small, (small[:, 0] + small[:, 1] > 0).astype(int))
    before, start = resident(), time.perf_counter()
    proba = model.predict_proba(X)
    spent = time.perf_counter() - start
    assert proba.shape == (rows, 2)
    print(f"matrix: {size:.0f} MB float64 in, peak {peak() - before:.0f} MB more (of which {proba.nbytes / 2**20:.0f} MB result); "
          f"scored in {spent:.2f} s")


if __name__ == "__main__":
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        {"records": records, "matrix": matrix}[sys.argv[2]](rows)
    else:
        for door in ("records", "matrix"):
            subprocess.run([sys.executable, __file__, str(rows), door], check=True)
