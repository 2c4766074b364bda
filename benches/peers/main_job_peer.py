"""The pipeline with which `main_job.py` compares this library. A good data scientist could write such a pipeline with
DuckDB, LightGBM, scikit-learn and SciPy.

Members, hyperparameters, folds, sampling of customers, blend and calibration follow the defaults of this library. In
the code of this library, these defaults are in `EnsembleOptions::default()`, `grouped_folds` and `max_rows`. If the
other libraries have a faster way to get the same result, the pipeline uses the faster way.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm
import main_job_features as sql
import numpy as np
import pyarrow as pa
from features import DAY
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

FOLDS, MAX_ROWS, MOST_DATES = 5, 500_000, 6
BOOSTING: dict[str, Any] = {
    "n_estimators": 400, "num_leaves": 12, "learning_rate": 0.03, "min_child_samples": 40, "reg_lambda": 5.0,
    "colsample_bytree": 0.5, "subsample": 0.7, "subsample_freq": 1, "max_bin": 64,
}  # fmt: skip
DEEP: dict[str, Any] = {"n_estimators": 300, "num_leaves": 31, "learning_rate": 0.1, "min_child_samples": 10, "reg_lambda": 1.0}
FOREST: dict[str, Any] = {"n_estimators": 100, "max_depth": 10, "min_samples_leaf": 10, "max_features": "sqrt"}
PENALTIES = [3000.0, 1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0]
Z = np.ndarray
"""Log-odds, one number per row."""


SPENT: dict[str, float] = {}
"""The total time of the fits for each purpose, in seconds. A purpose is a member or the choice of a hyperparameter."""


@contextmanager
def spent(name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    SPENT[name] = SPENT.get(name, 0.0) + time.perf_counter() - start


def tell(text: str) -> None:
    print(f"    {time.strftime('%H:%M:%S')} peer: {text}", file=sys.stderr, flush=True)


class Dice:
    """The random number generator of this library. The peer uses the same generator, so both sides have the same samples and
    folds."""

    def __init__(self, seed: int, stream: int | np.ndarray) -> None:
        with np.errstate(over="ignore"):
            self.state: Any = np.asarray(stream, np.uint64) * np.uint64(0xD1B54A32D192ED03) ^ np.uint64(seed)
            self.state = self.next(1) ^ np.asarray(stream, np.uint64)

    def next(self, step: int | np.ndarray) -> np.ndarray:
        """Returns the random number at position `step` of the sequence of random numbers."""
        with np.errstate(over="ignore"):
            z = self.state + np.asarray(step, np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            return z ^ (z >> np.uint64(31))


def grouped_folds(customers: np.ndarray, churned: np.ndarray, seed: int) -> np.ndarray:
    """Returns the fold of every row. All rows of a customer are in the same fold, and each fold has about the same
    number of churners. `customers` contains, for each row, the code of its customer."""
    known, place = np.unique(customers, return_inverse=True)
    ever = np.bincount(place, churned) > 0
    fold_of = np.zeros(len(known), int)
    for stream, wanted in [(0, ever), (1, ~ever)]:
        members = np.flatnonzero(wanted).tolist()
        draws = Dice(seed, stream).next(np.arange(1, max(len(members), 1))).tolist()
        for last, draw in zip(range(len(members) - 1, 0, -1), draws):
            other = draw * (last + 1) >> 64
            members[last], members[other] = members[other], members[last]
        fold_of[members] = np.arange(len(members)) % FOLDS
    return fold_of[place]


def draw(ids: np.ndarray, seed: int) -> np.ndarray | None:
    """Returns the ids of the customers to train on, or `None` for all customers. Customers are sampled only if there
    are more than `MAX_ROWS` rows. `ids` contains, for each row, the id of its customer."""
    if len(ids) <= MAX_ROWS:
        return None
    known, pairs = np.unique(ids.astype("S"), return_counts=True)
    letters = known.view(np.uint8).reshape(len(known), -1)
    hashes = np.full(len(known), 0xCBF29CE484222325, np.uint64)
    with np.errstate(over="ignore"):
        for letter in letters.T:
            hashes = np.where(letter > 0, (hashes ^ letter) * np.uint64(0x100000001B3), hashes)
    order = np.lexsort((np.arange(len(known)), Dice(seed, hashes).next(1)))
    return known[order[np.cumsum(pairs[order]) <= MAX_ROWS]].astype(str)


@dataclass
class Encoding:
    """Converts features to the input of the trees. Numbers are unchanged. A column of texts becomes one column for each
    different text. Constant columns are left out."""

    names: list[str] = field(default_factory=list)
    levels: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, table: pa.Table) -> Encoding:
        encoding = cls()
        for name in table.column_names[2:]:
            column = table[name]
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                encoding.levels += [(name, level) for level in sorted(column.unique().to_pylist())]
            elif len(column.unique()) > 1:
                encoding.names.append(name)
        return encoding

    def apply(self, table: pa.Table) -> np.ndarray:
        """Returns a matrix (rows x columns) in single precision and column-major order."""
        x = np.empty((len(table), len(self.names) + len(self.levels)), np.float32, order="F")
        for position, name in enumerate(self.names):
            x[:, position] = table[name].cast(pa.float64()).to_numpy()
        for position, (name, level) in enumerate(self.levels, len(self.names)):
            x[:, position] = pa.compute.equal(table[name], level).to_numpy()
        return x


class Design:
    """Converts features to the input of the linear member. Numbers are replaced by scaled signed logarithms. Missing
    values are replaced by the median, and a separate column flags the rows in which a value is missing."""

    def __init__(self, x: np.ndarray) -> None:
        self.columns: list[tuple[int, float | None, float, float]] = []
        seen = set()
        for position in range(x.shape[1]):
            gaps = bool(np.isnan(x[:, position]).any())
            median = float(np.nanmedian(x[:, position])) if not gaps or not np.isnan(x[:, position]).all() else 0.0
            for fill in [median, None] if gaps else [median]:
                values = self.shape(x[:, position], fill)
                mean, deviation = float(values.mean()), float(values.std())
                key = hash(values.tobytes())
                if deviation > 1e-9 * max(abs(mean), 1.0) and key not in seen:
                    seen.add(key)
                    self.columns.append((position, fill, mean, deviation))

    @staticmethod
    def shape(values: np.ndarray, fill: float | None) -> np.ndarray:
        if fill is None:
            return np.isnan(values).astype(float)
        values = np.where(np.isnan(values), fill, values).astype(float)
        return np.copysign(np.log1p(np.abs(values)), values)

    def apply(self, x: np.ndarray) -> np.ndarray:
        design = np.empty((len(x), len(self.columns)), order="F")
        for number, (position, fill, mean, deviation) in enumerate(self.columns):
            design[:, number] = np.clip((self.shape(x[:, position], fill) - mean) / deviation, -6, 6)
        return design


def log_loss(z: Z, churned: np.ndarray) -> float:
    return float(np.logaddexp(0, np.where(churned, -z, z)).mean())


def linear(l2: float, **options: Any) -> LogisticRegression:
    """Returns a logistic regression that is fitted by Newton's method. scikit-learn recommends this method if there are
    many more rows than columns. L-BFGS, the default method of scikit-learn, stops too early."""
    return LogisticRegression(C=1 / l2, solver="newton-cholesky", max_iter=200, **options)


@dataclass
class Recipe:
    """Settings that are chosen once, on held-out customers: the penalty, and the number of trees of each of the two
    boosting models."""

    l2: float
    trees: list[int]


class Members:
    """The four members of the ensemble, fitted on the same rows."""

    def __init__(self, x: np.ndarray, churned: np.ndarray, recipe: Recipe, threads: int, seed: int) -> None:
        common: dict[str, Any] = {"n_jobs": threads, "random_state": seed, "verbose": -1}
        with spent("linear"):
            self.design = Design(x)
            self.linear = linear(recipe.l2).fit(self.design.apply(x), churned)
        with spent("boostings"):
            self.boosted = [
                lightgbm.LGBMClassifier(**{**options, "n_estimators": trees}, **common).fit(x, churned)
                for options, trees in zip([BOOSTING, DEEP], recipe.trees)
            ]
        with spent("forest"):
            self.forest = RandomForestClassifier(**FOREST, n_jobs=threads, random_state=seed).fit(x, churned)

    def log_odds(self, x: np.ndarray) -> list[Z]:
        boosted = [model.predict(x, raw_score=True) for model in self.boosted]
        forest = np.clip(self.forest.predict_proba(x)[:, 1], 1e-6, 1 - 1e-6)
        return [self.linear.decision_function(self.design.apply(x)), *boosted, logit(forest)]


def settle(x: np.ndarray, churned: np.ndarray, customers: np.ndarray, threads: int, seed: int) -> Recipe:
    fold_of = grouped_folds(customers, churned, seed ^ 1)
    with spent("penalty"):
        design = Design(x).apply(x)
        losses = np.zeros(len(PENALTIES))
        for fold in range(FOLDS):
            inside = fold_of != fold
            train, test = design[inside], design[~inside]
            model = linear(1.0, warm_start=True)
            for position, l2 in enumerate(PENALTIES):
                model.set_params(C=1 / l2).fit(train, churned[inside])
                losses[position] += log_loss(model.decision_function(test), churned[~inside]) * len(test)
    tell("penalty chosen")
    inside = fold_of != 0
    trees = []
    with spent("numbers of trees"):
        for options in [BOOSTING, DEEP]:
            patience = min(max(int(1.5 / options["learning_rate"]), 10), 100)
            model = lightgbm.LGBMClassifier(**options, n_jobs=threads, random_state=seed, verbose=-1)
            model.fit(
                x[inside], churned[inside], eval_X=x[~inside], eval_y=churned[~inside], eval_metric="binary_logloss",
                callbacks=[lightgbm.early_stopping(patience, verbose=False)],
            )  # fmt: skip
            trees.append(max(model.best_iteration_ or options["n_estimators"], 1))
    recipe = Recipe(PENALTIES[int(losses.argmin())], trees)
    tell(f"{recipe}")
    return recipe


def blend(members: list[Z], churned: np.ndarray) -> np.ndarray:
    """Returns the weights of the members. The weights are non-negative and sum to 1. They minimise the log-loss, and
    are shrunk towards a weight of 1 for the linear member."""
    z, target = np.column_stack(members), np.eye(len(members))[0]
    penalty = 1 / max(churned.sum(), 1)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        blended = z @ weights
        away = weights - target
        value = log_loss(blended, churned) + penalty * away @ away
        return value, z.T @ (expit(blended) - churned) / len(churned) + 2 * penalty * away

    whole = {"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": np.ones_like}
    start = np.full(len(members), 1 / len(members))
    found = minimize(loss, start, jac=True, method="SLSQP", bounds=[(0, 1)] * len(members), constraints=[whole], tol=1e-10)
    return np.clip(found.x, 0, None) / np.clip(found.x, 0, None).sum()


Calibrator = Callable[[Z], Z]
"""A calibration: a function that maps log-odds to calibrated log-odds."""


def platt(z: Z, churned: np.ndarray) -> Calibrator:
    model = LogisticRegression(C=np.inf).fit(z[:, None], churned)
    return lambda z: model.decision_function(z[:, None])


def beta(z: Z, churned: np.ndarray) -> Calibrator:
    def sides(z: Z) -> np.ndarray:
        return np.column_stack([-np.logaddexp(0, -z), np.logaddexp(0, z)])

    model = LogisticRegression(C=np.inf).fit(sides(z), churned)
    return lambda z: model.decision_function(sides(z))


def isotonic(z: Z, churned: np.ndarray) -> Calibrator:
    model = IsotonicRegression(y_min=1e-6, y_max=1 - 1e-6, out_of_bounds="clip").fit(z, churned)
    return lambda z: logit(model.predict(z))


def calibrate(z: Z, churned: np.ndarray, fold_of: np.ndarray) -> tuple[str, Calibrator]:
    """Returns the calibration method with the lowest out-of-fold log-loss. Methods for which the minority class has too
    few rows are not tried."""
    rarer = min(churned.sum(), (~churned).sum())
    if rarer < 200:
        shift = float(logit(churned.mean()) - logit(expit(z).mean()))
        return "intercept", lambda z: z + shift
    best: tuple[float, Callable[[Z, np.ndarray], Calibrator]] = (np.inf, platt)
    for method in [platt, beta, isotonic] if rarer >= 1000 else [platt, beta]:
        held_out = np.empty(len(z))
        for fold in range(FOLDS):
            inside = fold_of != fold
            held_out[~inside] = method(z[inside], churned[inside])(z[~inside])
        loss = log_loss(held_out, churned)
        if loss < best[0] - 2 / len(z):
            best = (loss, method)
    return best[1].__name__, best[1](z, churned)


@dataclass
class Model:
    encoding: Encoding
    members: Members
    weights: np.ndarray
    calibrator: Calibrator
    said: dict[str, Any]

    @classmethod
    def fit(cls, table: pa.Table, churned: np.ndarray, threads: int, seed: int) -> Model:
        encoding = Encoding.of(table)
        x = encoding.apply(table)
        customers = np.unique(table["customer_id"].to_numpy(), return_inverse=True)[1]
        recipe = settle(x, churned, customers, threads, seed)
        fold_of = grouped_folds(customers, churned, seed)
        held_out = [np.empty(len(x)) for _ in range(4)]
        for fold in range(FOLDS):
            inside = fold_of != fold
            fitted = Members(x[inside], churned[inside], recipe, threads, seed)
            for z, of_fold in zip(held_out, fitted.log_odds(x[~inside])):
                z[~inside] = of_fold
            tell(f"fold {fold + 1} of {FOLDS}")
        weights = blend(held_out, churned)
        name, calibrator = calibrate(np.column_stack(held_out) @ weights, churned, fold_of)
        members = Members(x, churned, recipe, threads, seed)
        names = ["linear", "boosting", "deep_boosting", "forest"]
        said = {"weights": dict(zip(names, weights.round(3).tolist())), "calibration": name, "trees": recipe.trees}
        return cls(encoding, members, weights, calibrator, said)

    def probabilities(self, table: pa.Table) -> np.ndarray:
        z = np.column_stack(self.members.log_odds(self.encoding.apply(table)))
        return expit(self.calibrator(z @ self.weights))


def main_job(directory: Path, dates: list[int], as_of: int, threads: int) -> dict[str, Any]:
    """Runs the whole job of the peer, from Parquet files to scores. Returns the seconds of each stage, and the
    scores."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    SPENT.clear()
    seconds: dict[str, float] = {}
    start = time.perf_counter()

    def done(stage: str) -> None:
        nonlocal start
        now = time.perf_counter()
        seconds[stage] = now - start
        start = now
        tell(f"{stage} {seconds[stage]:.1f} s")

    connection = sql.load(directory, threads)
    done("read")
    labels = sql.labels(connection, dates)
    drawn = draw(labels["customer_id"].to_numpy(), 0)
    sql.only(connection, drawn)
    parts = []
    for date in dates:
        parts.append(sql.features(connection, date, labelled=True))
        tell(f"features, date {len(parts)} of {len(dates)}")
    table = pa.concat_tables(parts)
    churned = table["churned"].to_numpy()
    table = table.drop_columns("churned")
    as_ofs = table["as_of"].to_numpy()
    del parts
    done("features")
    # As in this library, the out-of-time test uses the last training date. The model of the test is trained on the last
    # six dates whose label periods end by the test date.
    kept = [date for date in dates if date + sql.HORIZON * DAY <= dates[-1]][-MOST_DATES:]
    train, tested = np.isin(as_ofs, kept), as_ofs == dates[-1]
    model = Model.fit(table.filter(pa.array(train)), churned[train], threads, 0)
    p = model.probabilities(table.filter(pa.array(tested)))
    tell(f"out of time: log-loss {log_loss(logit(p), churned[tested]):.5f}")
    done("out-of-time test")
    model = Model.fit(table, churned, threads, 0)
    done("train")
    sql.only(connection, None)
    scored = sql.features(connection, as_of).combine_chunks()
    scores = pa.table({"customer_id": scored["customer_id"], "probability": model.probabilities(scored)})
    done("score")
    said = model.said | {"seconds of both trainings": {name: round(value, 1) for name, value in SPENT.items()}}
    return {"seconds": seconds, "rows": [len(churned), int(churned.sum())], "said": said, "scores": scores}
