"""Tests that compare imported trees with stored predictions of the libraries that trained them."""

import json
import pickle
import subprocess
import sys
import warnings

import churn_core as churn
import numpy as np
import pandas as pd
import polars as pl
import pytest
from fixtures import FIXTURES
from sklearn import ensemble as forests
from sklearn import tree as trees
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

MODELS = FIXTURES / "models"
EXPECTED = json.loads((MODELS / "expected.json").read_text())
BITS = json.loads((MODELS / "bits.json").read_text())
X = np.array(EXPECTED.pop("x"), dtype="float64")


def path(name):
    return MODELS / (f"{name}.txt" if name.startswith("lightgbm") else f"{name}.json")


def load(name):
    if name.startswith("lightgbm"):
        return churn.TreeEnsemble.from_lightgbm(path(name))
    return churn.TreeEnsemble.from_xgboost(path(name))


def test_every_model_has_stored_bits():
    assert sorted(BITS) == sorted(EXPECTED) and len(BITS) == 8


@pytest.mark.parametrize("name", BITS)
def test_scores_are_those_of_the_library(name):
    ensemble = load(name)
    proba = ensemble.predict_proba(X)
    assert proba.shape == (len(X), 2) and proba.dtype == np.float64
    # The tolerance is larger for XGBoost, because XGBoost sums leaf values in float32.
    tolerance = 1e-6 if name.startswith("xgboost") else 1e-13
    np.testing.assert_allclose(proba[:, 1], EXPECTED[name]["probability"], rtol=0, atol=tolerance)
    np.testing.assert_array_equal(proba[:, 0], 1 - proba[:, 1])
    assert (len(ensemble), ensemble.n_features, ensemble.link) == (12, 6, "log_odds")


@pytest.mark.parametrize("name", BITS)
def test_all_hosts_give_bit_identical_results(name):
    def bits(numbers):
        return np.asarray(numbers, dtype="<f8").tobytes()

    rows = BITS[name]["rows"]
    for ensemble in (load(name), pickle.loads(pickle.dumps(load(name)))):
        for threads in (1, 2):
            assert bits(ensemble.predict_proba(X, threads=threads)[:, 1]) == bits([row["probability"] for row in rows])
            single = ensemble.predict_proba(X.astype("float32"), threads=threads)
            assert bits(single[:, 1]) == bits([row["single"] for row in rows])
            found = ensemble.explain(X, threads=threads)
            assert bits(found.values) == bits([row["contributions"] for row in rows])
            assert bits(found.base_values[0]) == bits(BITS[name]["base_value"])


@pytest.mark.parametrize("name", [name for name, said in EXPECTED.items() if "contributions" in said])
def test_contributions_are_those_of_the_library(name):
    found = load(name).explain(X)
    expected = np.array(EXPECTED[name]["contributions"])
    # LightGBM's contributions add up to its raw score. The log-odds are this raw score times the parameter `sigmoid`.
    factor = 1.3 if name == "lightgbm_categories" else 1.0
    tolerance = 1e-5 if name.startswith("xgboost") else 1e-12
    np.testing.assert_allclose(found.values, expected[:, :-1] * factor, rtol=0, atol=tolerance)
    np.testing.assert_allclose(found.base_values[0], expected[0, -1] * factor, rtol=0, atol=tolerance)


def log_odds(proba):
    return np.log(proba[:, 1] / proba[:, 0])


@pytest.mark.parametrize("name", BITS)
def test_any_layout_gives_bit_identical_results(name):
    ensemble = load(name)
    for many in (np.tile(X, (20, 1)), np.tile(X, (20, 1)).astype("float32")):
        wanted = ensemble.predict_proba(many)
        shifted = np.frombuffer(b"\0" + many.tobytes(), dtype=many.dtype, offset=1).reshape(many.shape)
        assert not shifted.flags.aligned
        swapped = many.astype(many.dtype.newbyteorder())
        wide = np.repeat(many, 2, axis=1)[:, ::2]
        frames = (pd.DataFrame(many), pl.DataFrame(many), pd.DataFrame(many).convert_dtypes())
        for same in (np.asfortranarray(many), shifted, swapped, wide, many[::-1][::-1], *frames):
            np.testing.assert_array_equal(ensemble.predict_proba(same), wanted)
        alone = [ensemble.predict_proba(row[None])[0] for row in many[:60]]
        np.testing.assert_array_equal(alone, wanted[:60])
    assert ensemble.predict_proba(np.zeros((0, 6))).shape == (0, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("frame", ["", "pandas"])
def test_matrices_are_not_copied(dtype, frame):
    """Scoring must not copy the matrix. A separate process compares its own peak memory before and after scoring."""
    code = (
        "import resource, numpy as np, pandas as pd, churn_core as churn\n"
        f"ensemble = churn.TreeEnsemble.from_lightgbm({str(path('lightgbm_numeric'))!r})\n"
        f"large = np.ones((3_000_000, 6), '{dtype}'); size = large.nbytes\n"
        f"large = pd.DataFrame(large) if {frame!r} else large\n"
        "ensemble.predict_proba(large[:100], threads=1)\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        # The memory of the result is subtracted, with a margin of 50 %, so that only a copy of the input counts.
        "before = peak(); proba = ensemble.predict_proba(large, threads=1)\n"
        "print((peak() - before - 1.5 * proba.nbytes) / size)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert float(ran.stdout) < 0.4, ran.stdout + ran.stderr


def test_content_is_taken_as_well_as_a_path():
    text = path("lightgbm_numeric").read_text()
    for given in (text, text.encode(), text.replace("\n", "\r\n"), str(path("lightgbm_numeric"))):
        ensemble = churn.TreeEnsemble.from_lightgbm(given)
        np.testing.assert_array_equal(ensemble.predict_proba(X), load("lightgbm_numeric").predict_proba(X))
    content = path("xgboost_numeric").read_bytes()
    for given in (content, bytearray(content), memoryview(content), content.decode(), str(path("xgboost_numeric"))):
        ensemble = churn.TreeEnsemble.from_xgboost(given)
        np.testing.assert_array_equal(ensemble.predict_proba(X), load("xgboost_numeric").predict_proba(X))


def test_what_is_no_model_is_refused(tmp_path):
    for wrong in (b"{}", b"", b"tree", "{", path("lightgbm_numeric")):
        with pytest.raises(churn.ImportFailedError):
            churn.TreeEnsemble.from_xgboost(wrong)
    for wrong in ("not\na model", b"\xff\xfe\n", path("xgboost_numeric")):
        with pytest.raises(churn.ImportFailedError):
            churn.TreeEnsemble.from_lightgbm(wrong)
    with pytest.raises(churn.FileMissingError):
        churn.TreeEnsemble.from_lightgbm("trees.txt")
    with pytest.raises(churn.FileError):
        churn.TreeEnsemble.from_xgboost(tmp_path)
    for wrong in (7, None, [1, 2], object()):
        for method in (churn.TreeEnsemble.from_xgboost, churn.TreeEnsemble.from_lightgbm):
            with pytest.raises(churn.InvalidOptionError):
                method(wrong)
    with pytest.raises(TypeError):
        churn.TreeEnsemble()


def test_wrong_matrices_are_refused():
    ensemble = load("lightgbm_categories")
    for ask in (ensemble.predict_proba, ensemble.explain):
        with pytest.raises(churn.FeatureMismatchError, match="X has 3 features, but TreeEnsemble is expecting 6"):
            ask(X[:, :3])
        for wrong in (["a"], [["a"] * 6], X[0], 5, None):
            with pytest.raises(churn.InvalidOptionError):
                ask(wrong)
        # A column of categories is refused, because the model expects integer codes and not the names of categories.
        frame = pd.DataFrame(X).astype({5: "category"})
        with pytest.raises(churn.InvalidOptionError, match='column "5" holds categories'):
            ask(frame)
        with pytest.raises(churn.InvalidOptionError):
            ask(X, threads=0)


def test_columns_of_frames_are_named():
    names = list("abcdef")
    ensemble = load("xgboost_numeric")
    for frame in (pd.DataFrame(X, columns=names), pl.DataFrame(X, schema=names)):
        assert ensemble.explain(frame).feature_names == names
    assert ensemble.explain(X).feature_names == ["x0", "x1", "x2", "x3", "x4", "x5"]


@pytest.mark.parametrize("name", BITS)
def test_files_keep_everything(name):
    data = load(name).to_bytes()
    for at in range(0, len(data), 97):
        damaged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(churn.ArtifactError):
            churn.TreeEnsemble.from_bytes(damaged)
    assert churn.TreeEnsemble.from_bytes(data).to_bytes() == data
    with pytest.raises(churn.ArtifactError):
        churn.ChurnModel.from_bytes(data)


def draw(missing=0.0, labels=("no", "yes"), rows=800):
    random = np.random.default_rng(3)
    x = random.normal(size=(rows, 5))
    y = np.array(labels)[(x[:, 0] * x[:, 1] + random.normal(size=rows) > 0).astype(int)]
    x[random.random(x.shape) < missing] = np.nan
    return x, y


ESTIMATORS = [
    forests.RandomForestClassifier(10, random_state=0),
    forests.RandomForestClassifier(10, max_depth=9, class_weight="balanced", random_state=0),
    forests.ExtraTreesClassifier(10, min_samples_leaf=3, random_state=0),
    forests.GradientBoostingClassifier(n_estimators=10, random_state=0),
    forests.GradientBoostingClassifier(n_estimators=10, loss="exponential", random_state=0),
    forests.GradientBoostingClassifier(n_estimators=10, init="zero", subsample=0.5, random_state=0),
    forests.HistGradientBoostingClassifier(max_iter=10, random_state=0),
    forests.HistGradientBoostingClassifier(max_iter=40, early_stopping=True, max_leaf_nodes=80, random_state=0),
    trees.DecisionTreeClassifier(max_depth=6, random_state=0),
    trees.DecisionTreeClassifier(random_state=0),
    trees.ExtraTreeClassifier(random_state=0),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_estimators_of_scikit_learn(estimator, dtype):
    x, y = draw(0.0 if isinstance(estimator, forests.GradientBoostingClassifier) else 0.1)
    x = x.astype(dtype)
    model = estimator.fit(x, y)
    made = churn.TreeEnsemble.from_sklearn(model)
    for ensemble in (made, pickle.loads(pickle.dumps(made))):
        np.testing.assert_allclose(ensemble.predict_proba(x), model.predict_proba(x), rtol=0, atol=1e-13)
        proba, found = ensemble.predict_proba(x), ensemble.explain(x)
        averages = not isinstance(estimator, (forests.GradientBoostingClassifier, forests.HistGradientBoostingClassifier))
        assert ensemble.link == ("probability" if averages else "log_odds")
        total = proba[:, 1] if averages else log_odds(proba)
        np.testing.assert_allclose(found.values.sum(axis=1) + found.base_values, total, rtol=0, atol=1e-9)
        # The base value is the mean output over the training rows.
        assert found.values.shape == x.shape and 0 < abs(found.base_values[0]) < 1


def test_thresholds_are_those_of_single_precision():
    """scikit-learn's trees compare values in float32. A float64 value slightly above a threshold is rounded to the
    threshold, so it goes to the left child."""
    x, y = draw()
    model = trees.DecisionTreeClassifier(random_state=0).fit(x, y)
    ensemble = churn.TreeEnsemble.from_sklearn(model)
    edges = model.tree_.threshold[model.tree_.feature == 0]
    asked = np.zeros((3 * len(edges), 5))
    asked[:, 0] = np.concatenate([np.nextafter(edges, -9), edges, np.nextafter(edges, 9)])
    np.testing.assert_array_equal(ensemble.predict_proba(asked), model.predict_proba(asked))


def test_other_estimators_are_refused():
    x, y = draw()
    three = np.arange(len(x)) % 3
    categories = np.column_stack([x, three])
    wrong = [
        (object(), "object is not supported"),
        (LogisticRegression().fit(x, y), "LogisticRegression is not supported; it must be one of RandomForestClassifier"),
        (forests.RandomForestRegressor(2).fit(x, three), "RandomForestRegressor is not supported"),
        (forests.RandomForestClassifier(2).fit(x, three), "two classes"),
        (forests.RandomForestClassifier(2).fit(x, np.column_stack([three > 0, three > 1])), "one output"),
        (forests.RandomForestClassifier(2).fit(x, three * 0), "two classes"),
        (trees.DecisionTreeClassifier(), "not fitted"),
        (forests.HistGradientBoostingClassifier(), "not fitted"),
        (forests.GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()).fit(x, y), "first estimator"),
        (forests.HistGradientBoostingClassifier(max_iter=2, categorical_features=[5]).fit(categories, y), "categorical"),
    ]
    for estimator, why in wrong:
        with pytest.raises(churn.ImportFailedError, match=why):
            churn.TreeEnsemble.from_sklearn(estimator)
    dummy = forests.GradientBoostingClassifier(n_estimators=2, init=DummyClassifier(strategy="prior")).fit(x, y)
    np.testing.assert_allclose(churn.TreeEnsemble.from_sklearn(dummy).predict_proba(x), dummy.predict_proba(x), atol=1e-13)


@pytest.mark.parametrize("early", [None, 5])
def test_estimators_of_lightgbm(early):
    lightgbm = pytest.importorskip("lightgbm")
    x, y = draw(0.1)
    callbacks = [lightgbm.early_stopping(early, verbose=False)] if early else None
    model = lightgbm.LGBMClassifier(n_estimators=200, num_leaves=7, verbose=-1)
    model.fit(x[:500], y[:500], eval_set=[(x[500:], y[500:])], callbacks=callbacks)
    ensemble = churn.TreeEnsemble.from_sklearn(model)
    assert len(ensemble) == (model.best_iteration_ if early else 200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(ensemble.predict_proba(x), model.predict_proba(x), rtol=0, atol=1e-13)
    with pytest.raises(churn.ImportFailedError, match="not fitted"):
        churn.TreeEnsemble.from_sklearn(lightgbm.LGBMClassifier())


@pytest.mark.parametrize("early", [None, 5])
def test_estimators_of_xgboost(early):
    xgboost = pytest.importorskip("xgboost")
    x, y = draw(0.1, (0, 1))
    model = xgboost.XGBClassifier(n_estimators=200, max_depth=3, early_stopping_rounds=early)
    model.fit(x[:500], y[:500], eval_set=[(x[500:], y[500:])], verbose=False)
    ensemble = churn.TreeEnsemble.from_sklearn(model)
    assert len(ensemble) == (model.best_iteration + 1 if early else 200)
    np.testing.assert_allclose(ensemble.predict_proba(x), model.predict_proba(x), rtol=0, atol=2e-6)
    with pytest.raises(churn.ImportFailedError, match="not fitted"):
        churn.TreeEnsemble.from_sklearn(xgboost.XGBClassifier())
    with pytest.raises(churn.ImportFailedError, match="only NaN"):
        churn.TreeEnsemble.from_sklearn(xgboost.XGBClassifier(n_estimators=2, missing=-1).fit(x, y))
