"""Compares this library with other libraries, all with default settings, on the same rows of public churn data sets.

    cargo run --release --example export_matrix -- JOURNEY
    python benches/quality/quality.py DATA [JOURNEY] [--out results.json] [--cache FOLDER] [--only telco,mlc,journey]

DATA is a folder with telco_ibm/ and mlc_churn/, which are evaluated by stratified 5-fold cross-validation (seed 42).
JOURNEY is a folder with the Complete Journey matrices, which are evaluated out of time. The first command writes these
matrices. The column `probability` of the test matrix contains the predictions of this library's `ChurnModel`, which is
trained from events. The predictions of the other libraries are stored in the folder that `--cache` names. A later run
with the same folder reads these predictions, and trains only this library.
"""

import argparse
import json
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

THREADS = 2
numbers, texts = make_column_selector(dtype_include=np.number), make_column_selector(dtype_exclude=np.number)


def one_hot(scaled):
    steps = [SimpleImputer(strategy="median", add_indicator=True)] + ([StandardScaler()] if scaled else [])
    levels = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10)
    return make_column_transformer((make_pipeline(*steps), numbers), (levels, texts))


def categories(train, test):
    """Converts columns of texts to pandas categories. The categories are the texts that occur in the training rows."""
    for name in texts(train):
        known = sorted(train[name].dropna().unique())
        train, test = (frame.assign(**{name: pd.Categorical(frame[name], categories=known)}) for frame in (train, test))
    return train, test


def logistic(train, y, test):
    return make_pipeline(one_hot(True), LogisticRegression(max_iter=2000)).fit(train, y).predict_proba(test)[:, 1]


def forest(train, y, test):
    model = RandomForestClassifier(random_state=0, n_jobs=THREADS)
    return make_pipeline(one_hot(False), model).fit(train, y).predict_proba(test)[:, 1]


def lightgbm(train, y, test):
    from lightgbm import LGBMClassifier

    train, test = categories(train, test)
    return LGBMClassifier(verbose=-1, random_state=0, n_jobs=THREADS).fit(train, y).predict_proba(test)[:, 1]


def xgboost(train, y, test):
    from xgboost import XGBClassifier

    train, test = categories(train, test)
    model = XGBClassifier(enable_categorical=True, random_state=0, n_jobs=THREADS)
    return model.fit(train, y).predict_proba(test)[:, 1]


def catboost(train, y, test):
    from catboost import CatBoostClassifier

    levels = texts(train)
    train, test = (frame.assign(**{name: frame[name].fillna("missing") for name in levels}) for frame in (train, test))
    model = CatBoostClassifier(verbose=0, random_seed=0, thread_count=THREADS, allow_writing_files=False)
    return model.fit(train, y, cat_features=levels).predict_proba(test)[:, 1]


def ours(train, y, test, groups=None):
    import churn_core as churn

    return churn.ChurnClassifier(random_state=0, n_jobs=THREADS).fit(train, y, groups=groups).predict_proba(test)[:, 1]


PEERS = {"logistic": logistic, "forest": forest, "lightgbm": lightgbm, "xgboost": xgboost, "catboost": catboost}


def telco(data):
    frame = pd.read_csv(data / "telco_ibm" / "Telco-Customer-Churn.csv").drop(columns="customerID")
    frame["TotalCharges"] = pd.to_numeric(frame["TotalCharges"], errors="coerce")
    return frame.drop(columns="Churn"), (frame["Churn"] == "Yes").to_numpy()


def mlc(data):
    frame = pd.read_csv(data / "mlc_churn" / "mlc_churn.csv")
    return frame.drop(columns="churn"), (frame["churn"] == "yes").to_numpy()


def by_fold(x, y, predict):
    """Returns the out-of-fold prediction of every row, and the total time of all fits in seconds."""
    out, start = np.zeros(len(y)), time.perf_counter()
    for train, test in StratifiedKFold(5, shuffle=True, random_state=42).split(x, y):
        out[test] = predict(x.iloc[train], y[train], x.iloc[test])
    return out, time.perf_counter() - start


def calibration_error(y, p):
    """Returns the calibration error over ten bins with equal numbers of rows."""
    order = np.argsort(p, kind="stable")
    bins = np.array_split(order, 10)
    return sum(len(rows) * abs(p[rows].mean() - y[rows].mean()) for rows in bins) / len(y)


def slope_and_intercept(y, p):
    z = np.log(np.clip(p, 1e-12, 1) / np.clip(1 - p, 1e-12, 1))[:, None]
    line = LogisticRegression(C=1e9, max_iter=1000).fit(z, y)
    return float(line.coef_[0, 0]), float(line.intercept_[0])


def figures(y, p, seconds):
    random = np.random.default_rng(0)
    by_chance = [calibration_error(random.random(len(p)) < p, p) for _ in range(500)]
    top = np.argsort(-p, kind="stable")[: max(1, len(y) // 10)]
    slope, intercept = slope_and_intercept(y, p)
    return {
        "auc": roc_auc_score(y, p),
        "pr_auc": average_precision_score(y, p),
        "log_loss": log_loss(y, p),
        "brier": brier_score_loss(y, p),
        "lift": y[top].mean() / y.mean(),
        "calibration_error": calibration_error(y, p),
        "calibration_error_by_chance_95": float(np.quantile(by_chance, 0.95)),
        "slope": slope,
        "intercept": intercept,
        "seconds": seconds,
    }


def paired(y, own, other, replicates=1000):
    """Returns two 90 % bootstrap intervals: for the difference of the AUCs and for the difference of the log-losses. A
    difference is this library's measure minus the other library's measure."""
    random, size = np.random.default_rng(1), len(y)

    def loss(p):
        return -np.where(y, np.log(np.clip(p, 1e-15, 1)), np.log(np.clip(1 - p, 1e-15, 1)))

    gap, aucs, losses = loss(own) - loss(other), [], []
    for _ in range(replicates):
        rows = random.integers(0, size, size)
        losses.append(gap[rows].mean())
        if len(aucs) < replicates // 4 and y[rows].any() and not y[rows].all():
            aucs.append(roc_auc_score(y[rows], own[rows]) - roc_auc_score(y[rows], other[rows]))
    return {name: [float(q) for q in np.quantile(values, [0.05, 0.95])] for name, values in (("auc", aucs), ("log_loss", losses))}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("journey", type=Path, nargs="?")
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--cache", type=Path)
    arguments.add_argument("--only", default="telco,mlc,journey")
    arguments.add_argument("--peers-only", action="store_true")
    given = arguments.parse_args()
    results = {}
    for name in given.only.split(","):
        if name == "journey" and given.journey is None:
            continue
        if name == "journey":
            train, test = (pd.read_csv(given.journey / f"{part}.csv") for part in ("train", "test"))
            x = [c for c in train.columns if c not in ("customer_id", "as_of", "churned", "probability")]
            y = test["churned"].to_numpy().astype(bool)

            def predictions(predict):
                start = time.perf_counter()
                return predict(train[x], train["churned"].to_numpy().astype(bool), test[x]), time.perf_counter() - start

        else:
            x, y = {"telco": telco, "mlc": mlc}[name](given.data)

            def predictions(predict):
                return by_fold(x, y, predict)

        predicted = {}
        if name == "journey":
            predicted["this library, from events"] = (test["probability"].to_numpy(), float("nan"))
        if not given.peers_only:
            # Only this library accepts groups of rows. Here, a group is a household.
            if name == "journey":
                predicted["this library, grouped"] = predictions(partial(ours, groups=train["customer_id"]))
            predicted["this library"] = predictions(ours)
        for peer, predict in PEERS.items():
            kept = given.cache / f"{name}-{peer}.npz" if given.cache else None
            if kept and kept.exists():
                predicted[peer] = (np.load(kept)["p"], float(np.load(kept)["seconds"]))
                continue
            predicted[peer] = predictions(predict)
            if kept:
                given.cache.mkdir(parents=True, exist_ok=True)
                np.savez(kept, p=predicted[peer][0], seconds=predicted[peer][1])
        results[name] = {model: figures(y, *found) for model, found in predicted.items()}
        own = next(iter(predicted))
        for peer in PEERS:
            results[name][peer]["own_less_this_90"] = paired(y, predicted[own][0], predicted[peer][0])
        print(f"\n{name}: {len(y)} rows, {y.mean():.1%} churned; intervals are of '{own}' less the peer")
        table = pd.DataFrame(results[name]).T
        with pd.option_context("display.width", 250, "display.max_columns", None, "display.precision", 4, "display.max_colwidth", None):
            print(table.drop(columns="own_less_this_90").astype(float))
            for peer in PEERS:
                print(peer, json.dumps(results[name][peer]["own_less_this_90"]))
    if given.out:
        given.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
