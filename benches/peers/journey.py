"""Compares the predictions of this library, scikit-learn and LightGBM at 2017-12-01, on the same matrix of the Complete
Journey data.

    cargo run --release --example export_matrix -- target/journey
    python benches/peers/journey.py target/journey
"""

import sys
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

folder = Path(sys.argv[1])
train, test = (pd.read_csv(folder / f"{name}.csv") for name in ("train", "test"))
features = [name for name in train.columns if name not in ("customer_id", "as_of", "churned", "probability")]


def signed_log(x):
    return np.sign(x) * np.log1p(np.abs(x))


def linear(c, log):
    shape = [FunctionTransformer(signed_log)] if log else []
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), *shape, StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore", min_frequency=10)
    columns = make_column_transformer((numbers, make_column_selector(dtype_include=np.number)), (texts, make_column_selector(dtype_exclude=np.number)))
    return make_pipeline(columns, LogisticRegression(C=c, max_iter=2000))


def boosted(**options):
    def as_categories(frame):
        return frame.assign(**{name: pd.Categorical(frame[name], categories=sorted(train[name].dropna().unique())) for name in frame.select_dtypes(exclude=np.number)})

    return make_pipeline(FunctionTransformer(as_categories), lightgbm.LGBMClassifier(verbose=-1, random_state=0, n_jobs=2, **options))


peers = {
    "scikit-learn LogisticRegression, default": linear(1.0, log=False),
    "scikit-learn LogisticRegression, signed log, C=0.003": linear(0.003, log=True),
    "LightGBM, default": boosted(),
    "LightGBM, small and slow": boosted(n_estimators=150, learning_rate=0.03, num_leaves=12, min_child_samples=40, subsample=0.7, subsample_freq=1, colsample_bytree=0.5, reg_lambda=5.0),
}
print("| model | AUC | log-loss |\n|---|---|---|")
print(f"| **this library, default** | {roc_auc_score(test.churned, test.probability):.4f} | {log_loss(test.churned, test.probability):.4f} |")
for name, peer in peers.items():
    probability = peer.fit(train[features], train.churned).predict_proba(test[features])[:, 1]
    print(f"| {name} | {roc_auc_score(test.churned, probability):.4f} | {log_loss(test.churned, probability):.4f} |")
