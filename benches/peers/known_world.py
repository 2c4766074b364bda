"""Compares libraries on synthetic tenants with known risk, out of time and on the same matrices.

    cargo run --release -p churn-benches --example known_world -- FOLDER CUSTOMERS SEEDS
    python benches/peers/known_world.py FOLDER

The oracle predicts the true risk. The script prints a table for each number of customers. The first figure is
(AUC - .5) / (AUC of the oracle - .5), as the mean over all seeds and for the worst seed. The second figure is the mean
log-loss minus the mean log-loss of the oracle.
"""

import json
import os
import sys
import warnings
from collections import defaultdict
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

warnings.filterwarnings("ignore")
SLOW = {
    "n_estimators": 400, "learning_rate": 0.02, "num_leaves": 8, "min_child_samples": 40, "colsample_bytree": 0.5,
    "subsample": 0.7, "subsample_freq": 1, "reg_lambda": 5.0,
}  # fmt: skip


DEFAULTS = ["LightGBM, default", "scikit-learn LogisticRegression, default"]


def read(folder, name):
    columns = (folder / f"{name}.columns").read_text().split("\n")
    values = np.fromfile(folder / f"{name}.f64").reshape(len(columns), -1)
    texts = [i for i, column in enumerate(columns) if column.startswith("text:")]
    return values[:-1].T.copy(), values[-1].astype(bool), texts


def signed_log(x):
    return np.sign(x) * np.log1p(np.abs(x))


def logistic(numbers, texts, c, transform):
    impute = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    number = make_pipeline(FunctionTransformer(transform), impute, StandardScaler())
    text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    columns = ColumnTransformer([("number", number, numbers), ("text", text, texts)])
    return make_pipeline(columns, LogisticRegression(C=c, max_iter=1000))


def peers(x, y, test, texts, threads):
    numbers = [i for i in range(x.shape[1]) if i not in texts]
    for name, options in [("LightGBM, default", {}), ("LightGBM, small and slow", SLOW)]:
        model = lightgbm.LGBMClassifier(n_jobs=threads, random_state=0, verbose=-1, **options)
        yield name, model.fit(x, y, categorical_feature=texts).predict_proba(test)[:, 1]
    for name, c, transform in [
        ("scikit-learn LogisticRegression, default", 1.0, None),
        ("scikit-learn LogisticRegression, signed log, C=0.003", 0.003, signed_log),
    ]:
        yield name, logistic(numbers, texts, c, transform).fit(x, y).predict_proba(test)[:, 1]


def main():
    threads = int(os.environ.get("THREADS", "4"))
    found = defaultdict(lambda: defaultdict(list))
    worlds, beside = defaultdict(list), defaultdict(list)
    for folder in sorted(Path(sys.argv[1]).iterdir()):
        if not (folder / "ours.json").exists():
            continue
        customers = int(folder.name.split("-")[0])
        x, y, texts = read(folder, "train")
        test, churned, _ = read(folder, "test")
        risk = np.fromfile(folder / "risk.f64")
        ours = json.loads((folder / "ours.json").read_text())
        best, least = roc_auc_score(churned, risk), log_loss(churned, risk)
        assert abs(best - ours["oracle_auc"]) < 1e-12
        worlds[customers].append((best, churned.mean(), len(churned)))
        results = {"**this library, default**": (ours["auc"], ours["log_loss"])}
        for name, p in peers(x, y, test, texts, threads):
            results[name] = (roc_auc_score(churned, p), log_loss(churned, p))
        for name, (auc, loss) in results.items():
            found[customers][name].append(((auc - 0.5) / (best - 0.5), loss - least))
        beside[customers].append(ours["log_loss"] / min(results[name][1] for name in DEFAULTS))
    for customers, models in sorted(found.items()):
        auc, rate, rows = np.mean(worlds[customers], axis=0)
        print(f"\n{customers} customers, {len(worlds[customers])} seeds; on average {rows:.0f} test rows, "
              f"{rate:.1%} churned, oracle's AUC {auc:.3f}\n")
        print("| model | AUC recovered, mean | worst seed | log-loss above the oracle's, mean |\n|---|---|---|---|")
        for name, figures in models.items():
            share, excess = np.array(figures).T
            print(f"| {name} | {share.mean():.3f} | {share.min():.3f} | {excess.mean():.4f} |")
        ratios = np.array(beside[customers])
        print(f"\nLog-loss beside the better of the two defaults: mean {ratios.mean():.3f}, worst seed {ratios.max():.3f}; "
              f"worse by more than 1 % in {(ratios > 1.01).sum()} of {len(ratios)}", flush=True)


main()
