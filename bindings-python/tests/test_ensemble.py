"""Tests of the estimators in `churn_core.ensemble`. Each estimator is one member of the ensemble."""

import pickle
import subprocess
import sys

import churn_core as churn
import numpy as np
import pytest
from churn_core.ensemble import GradientBoosting, Logistic, RandomForest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

MEMBERS = [GradientBoosting(n_estimators=30, random_state=1), RandomForest(n_estimators=20, max_depth=5), Logistic(l2=2.0)]


@pytest.fixture(scope="module")
def data():
    draw = np.random.default_rng(5)
    X = draw.normal(size=(500, 4)).round(3)
    return X, X[:, 0] + 0.5 * X[:, 1] + draw.normal(size=500) > 0


@pytest.mark.parametrize("member", MEMBERS, ids=repr)
def test_members_are_estimators(member, data):
    X, y = data
    assert is_classifier(member)
    copy = clone(member)
    assert copy.get_params() == member.get_params() and copy is not member
    names = np.where(y, "yes", "no")
    assert cross_val_score(member, X, names, cv=3, scoring="roc_auc").mean() > 0.7
    assert cross_val_score(member, X, y, cv=3).mean() > 0.6
    fitted = copy.fit(X, names)
    assert fitted.classes_.tolist() == ["no", "yes"] and fitted.n_features_in_ == 4
    assert fitted.predict_proba(X).shape == (500, 2)
    assert (fitted.predict(X) == fitted.classes_[fitted.predict_proba(X).argmax(1)]).all()
    read = pickle.loads(pickle.dumps(fitted))
    assert (read.predict_proba(X) == fitted.predict_proba(X)).all()
    assert read.get_params() == fitted.get_params() and read.classes_.tolist() == ["no", "yes"]
    assert pickle.loads(pickle.dumps(member)).get_params() == member.get_params()


def test_options():
    boosting = GradientBoosting(n_estimators=7, max_depth=3)
    assert boosting.get_params()["max_depth"] == 3
    assert boosting.set_params(max_leaf_nodes=np.int64(5), n_jobs=2) is boosting
    assert (boosting.get_params()["max_leaf_nodes"], boosting.get_params()["n_jobs"]) == (5, 2)
    with pytest.raises(ValueError, match="leafs"):
        boosting.set_params(leafs=5)
    with pytest.raises(TypeError, match="trees"):
        GradientBoosting(trees=5)
    assert GradientBoosting(**boosting.get_params()).get_params() == boosting.get_params()


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (GradientBoosting, {"n_estimators": -1}),
        (GradientBoosting, {"n_estimators": 2.5}),
        (GradientBoosting, {"max_leaf_nodes": 1}),
        (GradientBoosting, {"learning_rate": "fast"}),
        (GradientBoosting, {"subsample": 0}),
        (GradientBoosting, {"max_features": 1.5}),
        (GradientBoosting, {"max_bins": True}),
        (GradientBoosting, {"n_jobs": 0}),
        (RandomForest, {"max_depth": None}),
        (RandomForest, {"max_features": "log2"}),
        (RandomForest, {"smoothing": 0}),
        (Logistic, {"l2": -1.0}),
        (Logistic, {"tol": float("nan")}),
    ],
)
def test_wrong_values_name_the_parameter(kind, wrong):
    with pytest.raises(churn.InvalidOptionError) as caught:
        kind(**wrong)
    (name,) = wrong
    assert caught.value.code == "invalid_option" and caught.value.column == name and name in str(caught.value)
    with pytest.raises(churn.InvalidOptionError):
        kind().set_params(**wrong).fit([[0.0], [1.0]], [0, 1])


def test_grid_search(data):
    search = GridSearchCV(Logistic(), {"l2": np.array([0.1, 10.0])}, cv=2, scoring="neg_log_loss").fit(*data)
    assert search.best_params_["l2"] in (0.1, 10.0)


@pytest.mark.parametrize("member", MEMBERS, ids=repr)
def test_every_layout_gives_bit_identical_results(member, data):
    X, y = data
    single = X.astype(np.float32)
    fitted = clone(member).fit(single, y)
    expected = fitted.predict_proba(single)
    for same in (np.asfortranarray(single), single[::-1][::-1], np.repeat(single, 2, axis=0)[::2], single.tolist()):
        assert (fitted.predict_proba(same) == expected).all()
    single.setflags(write=False)
    assert (fitted.predict_proba(single) == expected).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_matrices_are_not_copied(dtype):
    """Scoring must not copy the matrix. A separate process compares its own peak memory before and after scoring."""
    code = (
        "import resource, numpy as np; from churn_core.ensemble import GradientBoosting\n"
        "X = np.arange(50_000.0).reshape(-1, 50) % 7\n"
        "ensemble = GradientBoosting(n_estimators=2, n_jobs=1).fit(X, X[:, 0] > 3).to_trees()\n"
        f"large = np.ones((400_000, 50), '{dtype}')\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak(); ensemble.predict_proba(large, threads=1); print((peak() - before) / large.nbytes)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert float(ran.stdout) < 0.4, ran.stdout + ran.stderr


def test_to_trees(data):
    X, y = data
    for member in MEMBERS[:2]:
        fitted = clone(member).fit(X, y)
        ensemble = fitted.to_trees()
        assert isinstance(ensemble, churn.TreeEnsemble) and len(ensemble) == len(fitted)
        assert (ensemble.predict_proba(X) == fitted.predict_proba(X)).all()
        found = ensemble.explain(X)
        log_odds = found.values.sum(axis=1) + found.base_values
        assert np.allclose(1 / (1 + np.exp(-log_odds)), ensemble.predict_proba(X)[:, 1])


def test_errors(data):
    X, y = data
    for member in MEMBERS:
        with pytest.raises(NotFittedError):
            clone(member).predict_proba(X)
        with pytest.raises(churn.FeatureMismatchError, match="X has 1 features, but .* is expecting 4"):
            clone(member).fit(X, y).predict_proba(X[:, :1])
        with pytest.raises(churn.TrainingError):
            clone(member).fit(X, np.ones(500))
        for wrong in (np.arange(500) % 3, np.full(500, np.nan), np.column_stack([y, y])):
            with pytest.raises(churn.InvalidOptionError) as caught:
                clone(member).fit(X, wrong)
            assert caught.value.column == "y"
    with pytest.raises(ValueError, match="monotone_constraints"):
        GradientBoosting(monotone_constraints=[1]).fit(X, y)
