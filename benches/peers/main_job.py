"""Compares this library with a pipeline of DuckDB, LightGBM and scikit-learn on the whole job, from Parquet files of
raw records to scores.

    cargo build --release -p churn-benches --example features_peer
    python benches/peers/main_job.py [--customers 100000] [--threads 2] [--repeat 3]

The script needs the built wheel and requirements.txt. A run with `--customers 1000 --repeat 1` takes about a minute.

There are twelve training dates, which lie a month apart. The label period of each training date (the 90 days
after the date) ends by the scoring date. The history continues for 90 days after the scoring date, so the scores
can be compared with the true outcomes.

Both sides use this library's defaults for members, hyperparameters, folds, sampling of customers, blend and
calibration. Before they fit the final model, both sides test out of time on the last training date, as this library
always does. The table also shows the ratio of the two times if the peer skips this test. Neither side computes reasons.

Before time is measured, features, labels and rows of both sides are compared. Each run is a separate process. After a
small warm-up job, the two sides alternate. The time of imports is not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from features import DAY, LAST, ROOT, binary, table
from main_job_features import HORIZON, TABLES

DATES = [LAST - HORIZON * DAY - 30 * DAY * back for back in range(11, -1, -1)]
SIDES = ["library", "peer"]
WARM = 300
STAGES = ["read", "features", "train", "score"]


def tell(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def made(directory: Path, customers: int) -> Path:
    """Returns the folder that contains the four tables as Parquet files. Writes the files if they do not exist yet."""
    directory = directory / str(customers)
    if not (directory / "done").exists():
        tell(f"writing {customers} customers to {directory}")
        maker = binary()
        if not Path(maker).exists():
            sys.exit(f"{maker} is missing: cargo build --release -p churn-benches --example features_peer")
        subprocess.run([maker, "write-all", str(directory), str(customers)], check=True)
        for name in TABLES:
            pa.parquet.write_table(table(directory / f"{name}.arrow"), directory / f"{name}.parquet")
            (directory / f"{name}.arrow").unlink()
        (directory / "done").touch()
    return directory


def moment(date: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=date)


def records_of(directory: Path, threads: int) -> Any:
    import churn_core as churn

    tables = {name: pa.parquet.read_table(directory / f"{name}.parquet", use_threads=threads > 1) for name in TABLES}
    # The attributes `plan` and `seats` of a synthetic customer never change, so both sides may use them.
    return churn.TenantRecords(tenant="bench", **tables, static_attributes="all", threads=threads)


def of_library(directory: Path, threads: int) -> dict[str, Any]:
    import churn_core as churn

    ends: dict[str, float] = {}
    shown = ""

    def progress(stage: str, share: float) -> None:
        nonlocal shown
        if share >= 0.1:
            ends.setdefault("features", time.perf_counter())
        line = f"{share * 10 // 1:.0f}0 % {stage}"
        if line != shown:
            print(f"    {time.strftime('%H:%M:%S')} library: {line}", file=sys.stderr, flush=True)
            shown = line

    start = time.perf_counter()
    records = records_of(directory, threads)
    ends["read"] = time.perf_counter()
    definition = churn.Cancellation(horizon=HORIZON)
    dates = [moment(date) for date in DATES]
    model = churn.ChurnModel.train(records, definition=definition, as_of=dates, seed=0, threads=threads, progress=progress)
    ends["train"] = time.perf_counter()
    scores = model.score(records, as_of=moment(LAST), threads=threads).to_pandas()
    ends["score"] = time.perf_counter()
    report = model.report
    said = {"weights": {member.name: round(member.weight, 3) for member in report.members}, "calibration": report.calibration}
    edges = [start, *(ends[stage] for stage in STAGES)]
    return {
        "seconds": {stage: end - begin for stage, begin, end in zip(STAGES, edges, edges[1:])},
        "rows": [report.rows, report.churned],
        "said": said,
        "scores": pa.table({name: scores[name].to_numpy() for name in ["customer_id", "probability"]}),
    }


def one(side: str, directory: Path, warm: Path, threads: int) -> None:
    """Runs one of the two sides (this library or the peer) in this process, and writes the results of this side to the
    folder."""
    if side == "library":
        run = of_library
    else:
        from main_job_peer import main_job

        def run(directory: Path, threads: int) -> dict[str, Any]:
            return main_job(directory, DATES, LAST, threads)

    tell(f"  {side}: warming up")
    run(warm, threads)
    tell(f"  {side}: the clock runs")
    start, spent = time.perf_counter(), time.process_time()
    found = run(directory, threads)
    found["total"], found["CPU"] = time.perf_counter() - start, time.process_time() - spent
    found["GiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    pa.parquet.write_table(found.pop("scores"), directory / f"scores_{side}.parquet")
    print(json.dumps(found))


def check(directory: Path, threads: int) -> str:
    """Checks that this library and the peer compute equal labels at all training dates, and equal features at the
    first training date and at the scoring date."""
    import churn_core as churn
    import main_job_features as sql

    records = records_of(directory, threads)
    connection = sql.load(directory, threads)
    definition = churn.Cancellation(horizon=HORIZON)
    counts = []
    for date in DATES:
        ours = churn.labels(records, as_of=moment(date), definition=definition).to_pandas()
        theirs = sql.labels(connection, [date])["churned"].to_numpy()
        counts.append((len(theirs), int(theirs.sum())))
        assert (len(ours), int(ours["churned"].sum())) == counts[-1], f"{moment(date)}: labels differ"
    sql.only(connection, None)
    for date in [DATES[0], LAST]:
        theirs = sql.features(connection, date).sort_by("customer_id").combine_chunks()
        ours = churn.features(records, as_of=moment(date)).to_pandas().set_index("customer_id")
        ours = ours.loc[theirs["customer_id"].to_pylist()]
        names, worst = theirs.column_names[2:], 0.0
        assert sorted(names) == sorted(ours.columns.drop("as_of")), set(names) ^ set(ours.columns)
        for name in names:
            if name == "customer_plan":
                assert ours[name].astype(str).tolist() == theirs[name].to_pylist()
                continue
            a, b = ours[name].to_numpy(float), theirs[name].cast(pa.float64()).to_numpy()
            assert (np.isnan(a) == np.isnan(b)).all(), f"{name}: missing values differ"
            difference = float(np.nan_to_num(np.abs(a - b) / np.maximum(1.0, np.abs(b))).max())
            assert difference <= 1e-9, f"{name}: differs by {difference}"
            worst = max(worst, difference)
    rows, churned = (", ".join(str(count[part]) for count in counts) for part in (0, 1))
    return (
        f"Equal: {len(names)} features of {len(theirs)} customers at the scoring date and of those at the first training date, largest "
        f"difference {worst:.1e}; eligible ({rows}) and churned ({churned}) at the training dates."
    )


def quality(directory: Path) -> str:
    """Compares the scores of each side with the outcomes in the 90 days after the scoring date. Only customers whom
    both sides scored are used."""
    import main_job_features as sql
    from sklearn.metrics import log_loss, roc_auc_score

    truth = sql.labels(sql.load(directory, 1), [LAST])
    for side in SIDES:
        scores = pa.parquet.read_table(directory / f"scores_{side}.parquet").rename_columns(["customer_id", side])
        truth = truth.join(scores.cast(pa.schema([("customer_id", pa.string()), (side, pa.float64())])), "customer_id")
    known = {name: truth[name].to_numpy() for name in ["churned", *SIDES]}
    both = np.isfinite(known["library"]) & np.isfinite(known["peer"])
    y = known["churned"][both]
    worth = [f"{side} AUC {roc_auc_score(y, p):.5f}, log-loss {log_loss(y, p):.5f}" for side in SIDES for p in [known[side][both]]]
    apart = np.abs(known["library"] - known["peer"])[both]
    return (
        f"Scores: {both.sum()} of {len(both)} customers by both sides, of whom {y.sum()} churned; {'; '.join(worth)}; mean difference of "
        f"a probability {apart.mean():.4f}."
    )


def shown(values: list[float], digits: int = 2) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def report(runs: dict[str, list[dict[str, Any]]], given: argparse.Namespace) -> None:
    def seconds(side: str, *stages: str) -> list[float]:
        return [sum(run["seconds"].get(stage, 0.0) for stage in stages) for run in runs[side]]

    def line(name: str, ours: list[float], theirs: list[float]) -> None:
        ratio = statistics.median(theirs) / max(statistics.median(ours), 1e-9)
        print(f"| {name} | {shown(ours)} | {shown(theirs)} | {ratio:.1f} |")

    totals = {side: [run["total"] for run in runs[side]] for side in SIDES}
    without = [run["total"] - run["seconds"]["out-of-time test"] for run in runs["peer"]]
    print(f"\n{given.customers} customers, {given.threads} threads, medians of {given.repeat} (least to most)\n")
    print("| seconds | this library | DuckDB, LightGBM, scikit-learn | ratio |\n|---|---|---|---|")
    line("**whole job**", totals["library"], totals["peer"])
    line("whole job, the peer without its out-of-time test", totals["library"], without)
    named = {"read": "Parquet read, records built", "features": "features and labels", "score": "score, with features"}
    for stage, name in named.items():
        line(name, seconds("library", stage), seconds("peer", stage))
    line("out-of-time test, then train", seconds("library", "train"), seconds("peer", "out-of-time test", "train"))
    line("CPU seconds of the whole job", *([run["CPU"] for run in runs[side]] for side in SIDES))
    line("peak of the process, GiB", *([run["GiB"] for run in runs[side]] for side in SIDES))
    for side in SIDES:
        print(f"\n{side}: {runs[side][-1]['rows'][0]} rows learnt from, {runs[side][-1]['said']}")


def machine() -> str:
    packages = ["churn-core", "duckdb", "lightgbm", "scikit-learn", "numpy", "pyarrow"]
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        cpu = next((line.split(": ")[1] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), cpu)
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return f"{cpu}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, {versions}"


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--customers", type=int, default=100_000)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--directory", type=Path, default=ROOT / "target" / "main_job")
    arguments.add_argument("--one", choices=[*SIDES, "check"])
    given = arguments.parse_args()
    directory, warm = made(given.directory, given.customers), made(given.directory, WARM)
    if given.one == "check":
        print(json.dumps(check(directory, given.threads)))
        return
    if given.one:
        one(given.one, directory, warm, given.threads)
        return
    where = machine()
    pools = [f"{pool}_NUM_THREADS" for pool in ["OMP", "OPENBLAS", "MKL", "RAYON"]] + ["ARROW_IO_THREADS"]
    environment = os.environ | {pool: str(given.threads) for pool in pools}
    command = [sys.executable, __file__, "--directory", str(given.directory), "--customers", str(given.customers)]
    command += ["--threads", str(given.threads)]

    def child(work: str) -> Any:
        done = subprocess.run([*command, "--one", work], env=environment, check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout.splitlines()[-1])

    tell("comparing features and labels")
    equal = child("check")
    tell(equal)
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for number in range(given.repeat):
        for side in SIDES:
            tell(f"run {number + 1} of {given.repeat}, {side}")
            runs[side].append(child(side))
            tell(f"run {number + 1} of {given.repeat}, {side}: {runs[side][-1]['total']:.1f} s, {runs[side][-1]['GiB']:.2f} GiB")
    learnt = {tuple(run["rows"]) for side in SIDES for run in runs[side]}
    assert len(learnt) == 1, f"rows and churned rows learnt from differ: {learnt}"
    report(runs, given)
    print(f"\n{equal}\n\n{quality(directory)}\n\n{where}")


if __name__ == "__main__":
    main()
