"""Compares this library with LightGBM, XGBoost and scikit-learn: the time to train a boosting model and a random forest
on the same table.

    python benches/peers/training.py [--rows 160000] [--columns 60] [--threads 1 2] [--repeats 3] [--members boosting forest]

The script needs the built wheel (`maturin develop --release` in bindings-python) and requirements.txt. Every fit runs
in a separate process, after a small warm-up fit. The libraries take turns. The AUC on held-out rows shows that the
models perform equally well.
"""

import argparse
import json
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

TEST_ROWS = 40_000
TREES, LEAVES, RATE, DEPTH = 200, 31, 0.1, 12


def table(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Creates a table with columns of four kinds: normally distributed numbers, counts, skewed numbers and mostly
    zeros. Labels depend on the columns in a nonlinear way and with interactions. About 30 % of the rows churn."""
    dice = np.random.default_rng(0)
    third, sixth = columns // 3, columns // 6
    x = dice.normal(size=(rows, columns)).astype("f4")
    x[:, third : 2 * third] = dice.poisson(np.exp(dice.normal(size=third) * 0.8), size=(rows, third))
    x[:, 2 * third : 2 * third + sixth] = np.exp(x[:, 2 * third : 2 * third + sixth])
    gappy = x[:, 2 * third + sixth :]
    gappy[dice.random(gappy.shape) < 0.15] = np.nan
    seen = np.nan_to_num(x, nan=-1.0)
    log_odds = 0.25 * (np.log1p(np.abs(seen)) * np.sign(seen)) @ (dice.normal(size=columns) * (dice.random(columns) < 0.5))
    for _ in range(12):
        a, b = dice.integers(0, columns, 2)
        log_odds += 0.5 * dice.normal() * ((seen[:, a] > np.median(seen[:, a])) & (seen[:, b] < np.median(seen[:, b])))
    log_odds -= np.quantile(log_odds, 0.8)
    return x, dice.random(rows) < 1 / (1 + np.exp(-log_odds))


def estimator(name: str, threads: int):
    if name == "churn boosting":
        import churn_core as churn

        return churn.ensemble.GradientBoosting(n_estimators=TREES, max_leaf_nodes=LEAVES, learning_rate=RATE, n_jobs=threads)
    if name == "churn forest":
        import churn_core as churn

        return churn.ensemble.RandomForest(n_estimators=TREES, max_depth=DEPTH, n_jobs=threads, min_samples_leaf=1)
    if name == "LightGBM":
        import lightgbm

        return lightgbm.LGBMClassifier(
            n_estimators=TREES, num_leaves=LEAVES, learning_rate=RATE, reg_lambda=1.0, n_jobs=threads, verbose=-1
        )
    if name == "XGBoost":
        import xgboost

        return xgboost.XGBClassifier(
            n_estimators=TREES, max_leaves=LEAVES, grow_policy="lossguide", max_depth=0, learning_rate=RATE, n_jobs=threads
        )
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(TREES, max_depth=DEPTH, n_jobs=threads, random_state=0)


def peak(forget: bool = False) -> float:
    """Returns the peak memory of this process, in MB. If `forget` is true, the peak is first reset to the memory that
    is currently used."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def one(name: str, rows: int, columns: int, threads: int) -> dict[str, float]:
    from sklearn.metrics import log_loss, roc_auc_score

    x, y = table(rows + TEST_ROWS, columns)
    estimator(name, threads).fit(x[:2000], y[:2000])
    model = estimator(name, threads)
    before = peak(forget=True)
    start = time.perf_counter()
    model.fit(x[:rows], y[:rows])
    seconds = time.perf_counter() - start
    memory = peak() - before
    p = model.predict_proba(x[rows:])[:, 1]
    return {"seconds": seconds, "MB": memory, "auc": roc_auc_score(y[rows:], p), "log_loss": log_loss(y[rows:], p)}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rows", type=int, default=160_000)
    arguments.add_argument("--columns", type=int, default=60)
    arguments.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--members", nargs="+", default=["boosting", "forest"])
    arguments.add_argument("--one")
    given = arguments.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.rows, given.columns, given.threads[0])))
        return
    peers = {"boosting": ["LightGBM", "XGBoost"], "forest": ["scikit-learn forest"]}
    print(f"{given.rows} x {given.columns}, {TREES} trees; {platform.machine()}, medians of {given.repeats} (least to most)\n")
    print("| | threads | seconds | ratio | AUC | log-loss | MB |\n|---|---|---|---|---|---|---|")
    for member in given.members:
        for threads in given.threads:
            names = [f"churn {member}", *peers[member]]
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
            for _ in range(given.repeats):
                for name in names:
                    command = [sys.executable, __file__, "--one", name, "--threads", str(threads)]
                    command += ["--rows", str(given.rows), "--columns", str(given.columns)]
                    runs[name].append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
            middle = {name: statistics.median(run["seconds"] for run in runs[name]) for name in names}
            for name in names:
                seconds = [run["seconds"] for run in runs[name]]
                shown = f"{middle[name]:.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
                last = runs[name][-1]
                ratio = middle[name] / middle[names[0]]
                figures = f"{ratio:.2f} | {last['auc']:.4f} | {last['log_loss']:.4f} | {last['MB']:.0f}"
                print(f"| {name} | {threads} | {shown} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
