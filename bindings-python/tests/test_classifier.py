"""Tests of the estimator for flat tables (tables without dates), including scikit-learn's own checks of estimators."""

import json
import os
import pathlib
import pickle
import subprocess
import sys
import warnings

import churn_core as churn
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from churn_core import _churn_core
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator


def world(rows=400, seed=0):
    """Makes columns of all types with missing values, and labels that depend on most of the columns."""
    draw = np.random.default_rng(seed)
    minutes = draw.uniform(0, 100, rows)
    plan = draw.choice(["basic", "pro", "team"], rows)
    trial = draw.random(rows) < 0.3
    risk = 1.5 - minutes / 30 + (plan == "team") + 0.7 * trial
    frame = pd.DataFrame(
        {
            "minutes": minutes,
            "spent": np.where(draw.random(rows) < 0.2, np.nan, draw.uniform(0, 50, rows)),
            "plan": pd.Series(plan).where(draw.random(rows) > 0.1),
            "city": [f"city {number}" for number in draw.integers(0, rows // 3, rows)],
            "trial": trial,
            "code": draw.integers(0, 9, rows).astype(str),
        }
    )
    return frame, draw.random(rows) < 1 / (1 + np.exp(-risk))


@pytest.fixture(scope="module")
def table():
    return world()


@pytest.fixture(scope="module")
def fitted(table):
    return churn.ChurnClassifier(random_state=1).fit(*table)


def test_check_estimator():
    """The estimator passes all checks of scikit-learn. The checks of the array API run in a separate process, because
    they need a setting of scipy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(churn.ChurnClassifier(), on_skip=None, on_fail=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] not in ("passed", "skipped")}
    assert not failed
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= {"check_array_api_input"}
    assert sum(r["status"] == "passed" for r in results) >= 61


def test_check_estimator_with_array_api():
    code = (
        "import churn_core as churn, warnings; warnings.simplefilter('ignore')\n"
        "from sklearn.utils.estimator_checks import check_estimator\n"
        "results = check_estimator(churn.ChurnClassifier(), on_skip=None)\n"
        "print({r['status'] for r in results})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "SCIPY_ARRAY_API": "1"}, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "{'passed'}", ran.stderr


@pytest.mark.parametrize("labels", [("no", "yes"), (1, 2), (False, True), (-1, 1)])
def test_any_two_labels(table, labels):
    frame, churned = table
    y = np.array(labels)[churned.astype(int)]
    clf = churn.ChurnClassifier(random_state=1).fit(frame, y)
    assert clf.classes_.tolist() == list(labels)
    assert clf.predict_proba(frame).shape == (400, 2)
    assert set(clf.predict(frame)) <= set(labels)
    assert clf.score(frame, y) > 0.65
    assert clf.n_features_in_ == 6 and clf.feature_names_in_.tolist() == list(frame.columns)


def test_any_frame_gives_bit_identical_results(table, fitted):
    frame, churned = table
    expected = fitted.predict_proba(frame)
    other = [
        pl.from_pandas(frame),
        pa.Table.from_pandas(frame),
        frame.to_dict("list"),
        frame.astype({"plan": "category"}),
        frame.astype({"city": object}),
    ]
    for same in other:
        assert (fitted.predict_proba(same) == expected).all(), type(same)
        again = churn.ChurnClassifier(random_state=1, n_jobs=1).fit(same, churned)
        assert (again.predict_proba(frame) == expected).all(), type(same)
    assert (fitted.predict_proba(frame.iloc[:7]) == expected[:7]).all()


def test_order_weights_and_seeds(table, fitted):
    frame, churned = table
    turned = np.random.default_rng(1).permutation(len(frame))
    again = churn.ChurnClassifier(random_state=1).fit(frame.iloc[turned], churned[turned])
    assert (again.predict_proba(frame) == fitted.predict_proba(frame)).all()
    weights = np.arange(len(frame)) % 3
    weighted = churn.ChurnClassifier().fit(frame, churned, sample_weight=weights)
    repeated = np.repeat(np.arange(len(frame)), weights)
    same = churn.ChurnClassifier().fit(frame.iloc[repeated], churned[repeated])
    assert (weighted.predict_proba(frame) == same.predict_proba(frame)).all()
    other = churn.ChurnClassifier(random_state=2).fit(frame, churned)
    assert (other.predict_proba(frame) != fitted.predict_proba(frame)).any()


def test_class_weight(table):
    frame, churned = table
    def mean(weight):
        return churn.ChurnClassifier(class_weight=weight).fit(frame, churned).predict_proba(frame)[:, 1].mean()
    assert abs(mean(None) - churned.mean()) < 0.03
    assert abs(mean("balanced") - 0.5) < 0.1
    assert mean({False: 1000, True: 0.01}) < 0.05
    with pytest.raises(churn.ChurnError) as caught:
        mean("heavy")
    assert caught.value.code == "invalid_option" and caught.value.column == "class_weight"


def test_scikit_learn_around_it(table):
    frame, churned = table
    assert cross_val_score(churn.ChurnClassifier(), frame, churned, cv=3, scoring="roc_auc").mean() > 0.7
    pipeline = make_pipeline(FunctionTransformer(), churn.ChurnClassifier())
    search = GridSearchCV(pipeline, {"churnclassifier__random_state": [0, 1]}, cv=2, scoring="neg_log_loss").fit(frame, churned)
    assert search.predict_proba(frame).shape == (400, 2)
    copy = clone(churn.ChurnClassifier(random_state=3, class_weight={True: 2.0}))
    assert copy.get_params()["random_state"] == 3 and not hasattr(copy, "classes_")


def test_pickle_and_joblib(table, fitted, tmp_path):
    frame, _ = table
    joblib.dump(fitted, tmp_path / "clf.joblib")
    for read in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "clf.joblib")):
        assert (read.predict_proba(frame) == fitted.predict_proba(frame)).all()


def test_report(table, fitted):
    _, churned = table
    report = fitted.report_
    assert report["rows"] == 400 and report["rows_of_class"] == [(~churned).sum(), churned.sum()]
    (part,) = report["parts"]
    assert [member["name"] for member in part["members"]] == ["linear", "boosting", "deep_boosting", "forest"]
    assert abs(sum(member["weight"] for member in part["members"]) - 1) < 1e-9
    assert report["groups"] == 400 and report["monotone_constraints"] == [] and report["dropped_members"] == []
    assert 0.6 < part["roc_auc"] < 1 and part["log_loss"] < 0.7


def panel(customers=80, rows=8, seed=0):
    """Makes customers with several rows each. The rows of a customer are almost equal. Churn is random and independent
    of the values."""
    draw = np.random.default_rng(seed)
    owner = np.repeat(np.arange(customers), rows)
    X = draw.random((customers, 2))[owner] + draw.random((customers * rows, 2)) * 1e-3
    return X, (draw.random(customers) < 0.4)[owner], owner


def test_groups_are_held_out_together():
    X, churned, owner = panel()
    by_row, by_group = (churn.ChurnClassifier().fit(X, churned, groups=groups) for groups in (None, owner))
    def auc(clf):
        return clf.report_["parts"][0]["roc_auc"]
    assert auc(by_row) > 0.95 and abs(auc(by_group) - 0.5) < 0.2
    assert (by_row.report_["groups"], by_group.report_["groups"]) == (640, 80)
    assert by_group.predict_proba(X)[:, 1].std() < by_row.predict_proba(X)[:, 1].std()


def test_groups_of_any_type_give_bit_identical_results():
    X, churned, owner = panel(30, 4)
    expected = churn.ChurnClassifier().fit(X, churned, groups=owner)
    texts = [f"C-{number * 7 % 30}" for number in owner]
    same = [
        owner.tolist(),
        tuple(texts),
        np.array(texts),
        np.array(texts, dtype=object),
        pd.Series(owner, index=owner[::-1]),
        pd.Series(texts, dtype="category"),
        pd.Index(texts),
        pd.Series(owner, dtype="Int64"),
        pl.Series(texts),
        pa.array(texts),
        pa.chunked_array([texts[:50], texts[50:]]),
        pa.array(texts).dictionary_encode(),
        [(text, 1) for text in texts],
        pd.Timestamp("2024-01-01") + pd.to_timedelta(owner, unit="D"),
    ]
    for groups in same:
        again = churn.ChurnClassifier(n_jobs=1).fit(X, churned, groups=groups)
        assert again._model.id == expected._model.id, type(groups)
    turned = np.random.default_rng(1).permutation(len(X))
    again = churn.ChurnClassifier().fit(X[turned], churned[turned], groups=owner[turned])
    assert again._model.id == expected._model.id


def test_groups_that_cannot_be():
    X, churned, owner = panel(6, 3)

    def refused(groups, y=churned):
        with pytest.raises(churn.ChurnError) as caught:
            churn.ChurnClassifier().fit(X, y, groups=groups)
        return caught.value

    texts = [str(number) for number in owner]
    for missing in (
        [*texts[:4], None, *texts[5:]],
        np.where(np.arange(18) == 4, np.nan, owner),
        pd.Series(texts).mask(np.arange(18) == 4),
        pd.Series(owner, dtype="Int64").mask(np.arange(18) == 4),
        pd.Series(texts, dtype="string").mask(np.arange(18) == 4),
        pl.Series([*texts[:4], None, *texts[5:]]),
        pa.array([*texts[:4], None, *texts[5:]]),
        np.where(np.arange(18) == 4, np.datetime64("NaT", "s"), np.datetime64("2024-01-01", "s")),
    ):
        error = refused(missing)
        assert (error.code, error.row, error.column) == ("invalid_option", 4, "groups"), type(missing)
        assert "row 4 is missing" in str(error)
    error = refused([[number] for number in owner])
    assert (error.code, error.row) == ("invalid_option", 0) and "hashable" in str(error)
    for wrong in (owner[:-1], "customer", 5, owner.reshape(-1, 1), pd.DataFrame({"c": owner}), {"c": owner}):
        error = refused(wrong)
        assert (error.code, error.column) == ("invalid_option", "groups"), type(wrong)
    assert "18 rows and 17 groups" in str(refused(owner[:-1]))
    alone = refused(owner, owner == 2)
    assert alone.code == "too_little_data" and isinstance(alone, churn.TrainingError) and "group of rows" in str(alone)


def test_intervals(table, fitted):
    frame, churned = table
    found, p = fitted.predict_interval(frame), fitted.predict_proba(frame)[:, 1]
    assert found.shape == (400, 2) and found.dtype == np.float64
    assert (0 <= found[:, 0]).all() and (found[:, 0] <= p).all() and (p <= found[:, 1]).all() and (found[:, 1] <= 1).all()
    assert 0.02 < (found[:, 1] - found[:, 0]).mean() < 0.4
    read = pickle.loads(pickle.dumps(fitted))
    assert (read.predict_interval(frame.iloc[:9]) == found[:9]).all()
    three = np.where(churned, "gone", np.where(frame["trial"], "new", "old"))
    with pytest.raises(churn.InvalidOptionError, match="interval"):
        churn.ChurnClassifier(leakage="allow").fit(frame, three).predict_interval(frame)
    with pytest.raises(NotFittedError):
        churn.ChurnClassifier().predict_interval(frame)


def test_an_old_model_file_has_no_intervals():
    folder = pathlib.Path(__file__).parents[2] / "tests/fixtures/frozen/format-1"
    said = json.loads((folder / "classifier.json").read_text())
    model = _churn_core.FlatModel.from_bytes((folder / "classifier.churn").read_bytes())
    plans = ["a", "b", "b"] * 20 + ["another"]
    minutes = [float(row * 37 % 60) for row in range(60)] + [np.nan]
    table = _churn_core.FlatTable({"minutes": minutes, "plan": plans})
    assert model.id == said["id"] and model.predict_proba(table).tolist() == said["probabilities"]
    assert json.loads(model.report)["groups"] is None
    with pytest.raises(churn.ArtifactError) as caught:
        model.predict_interval(table)
    assert caught.value.code == "artifact_version"


def test_monotone(table):
    frame, churned = table
    bound = churn.ChurnClassifier(monotone_constraints={"minutes": "decreasing"}).fit(frame, churned)
    assert bound.report_["monotone_constraints"] == [["minutes", "decreasing"]]
    assert [member["name"] for member in bound.report_["dropped_members"]] == ["forest"]
    steps = pd.concat([frame.iloc[:20].assign(minutes=float(step)) for step in range(0, 101, 5)])
    p = bound.predict_proba(steps)[:, 1].reshape(21, 20)
    assert (np.diff(p, axis=0) <= 0).all() and (p[0] > p[-1]).all()
    for wrong in ({"plan": "increasing"}, {"minutes": "up"}, ["minutes"]):
        with pytest.raises(churn.InvalidOptionError):
            churn.ChurnClassifier(monotone_constraints=wrong).fit(frame, churned)


def test_explanations(table, fitted):
    frame, _ = table
    found = fitted.explain(frame)
    assert found.values.shape == (400, 6) and found.feature_names == list(frame.columns)
    reasons = fitted.reasons(frame.iloc[:2], top=2)
    assert [len(row) for row in reasons] == [2, 2]
    assert reasons[0][0].contribution == max(found.values[0], key=abs)


def test_leakage(table):
    frame, churned = table
    leaking = frame.assign(left=np.where(churned, "gone", "here"))
    with pytest.warns(churn.LeakageWarning, match="left"):
        clf = churn.ChurnClassifier().fit(leaking, churned)
    assert [leak.column for leak in clf.leaks_] == ["left"] and clf.leaks_[0].evidence
    with pytest.raises(churn.TrainingError) as caught:
        churn.ChurnClassifier(leakage="refuse").fit(leaking, churned)
    assert caught.value.code == "leakage" and caught.value.column == "left"
    for allowed in ({"leakage": "allow"}, {"leakage": "refuse", "allow_columns": ["left"]}):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clf = churn.ChurnClassifier(**allowed).fit(leaking, churned)
        assert clf.leaks_[0].allowed
    with pytest.raises(churn.ChurnError, match="leakage"):
        churn.ChurnClassifier(leakage="ignore").fit(frame, churned)


def test_errors(table, fitted):
    frame, churned = table
    with pytest.raises(NotFittedError) as caught:
        churn.ChurnClassifier().predict(frame)
    assert isinstance(caught.value, churn.ChurnError)
    with pytest.raises(churn.FeatureMismatchError, match="unseen at fit time:\n- other"):
        fitted.predict(frame.rename(columns={"plan": "other"}))
    with pytest.raises(ValueError, match="must be in the same order"):
        fitted.predict(frame[frame.columns[::-1]])
    with pytest.raises(churn.InvalidRecordsError) as caught:
        churn.ChurnClassifier().fit(frame.assign(minutes=np.inf), churned)
    assert (caught.value.code, caught.value.row, caught.value.column) == ("not_finite", 0, "minutes")
    with pytest.raises(churn.InvalidRecordsError, match="many"):
        fitted.predict(frame.assign(minutes="many"))
    for wrong in ([None] + [0, 1] * 5, np.linspace(0, 1, 11), np.zeros((11, 2))):
        with pytest.raises(ValueError):
            churn.ChurnClassifier().fit(np.zeros((11, 1)), wrong)


def test_texts_that_spell_numbers_are_numbers():
    values = [str(number / 10) if number % 7 else " " for number in range(300)]
    labels = [number > 150 for number in range(300)]
    clf = churn.ChurnClassifier(leakage="allow").fit({"total": values}, labels)
    low, high = clf.predict_proba({"total": ["1.05", "28.05"]})[:, 1]
    assert low < 0.2 and high > 0.8


def test_without_scikit_learn():
    """The package requires only numpy, and importing churn_core does not import scikit-learn."""
    code = (
        "import sys, churn_core as churn\n"
        "assert 'sklearn' not in sys.modules\n"
        "sys.modules['sklearn'] = None; sys.modules['sklearn.base'] = None\n"
        "clf = churn.ChurnClassifier(random_state=4)\n"
        "assert clf.get_params()['random_state'] == 4 and repr(clf) == 'ChurnClassifier(random_state=4)'\n"
        "X = [[float(i % 7), float(i)] for i in range(60)]; y = [i % 7 > 3 for i in range(60)]\n"
        "try: clf.predict(X)\n"
        "except churn.ChurnError as error: assert error.code == 'invalid_option'\n"
        "assert clf.fit(X, y).score(X, y) > 0.8\n"
        "assert churn.ensemble.GradientBoosting(n_estimators=3).fit(X, y).score(X, y) > 0.5\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
