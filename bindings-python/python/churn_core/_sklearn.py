"""Reads fitted estimators for `TreeEnsemble.from_sklearn`.

The trees of scikit-learn are read as arrays. An estimator of LightGBM or XGBoost is read as the content of its model
file. The Rust library imports and validates the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import make


def _refused(why: str) -> Exception:
    return make("import_failed", why)


def _tree(tree: Any, values: Any) -> dict[str, Any]:
    """Reads the arrays of the attribute `tree_` of a scikit-learn tree. ``values`` has one value per node."""
    missing = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count, dtype=bool))
    return _arrays(
        tree.feature, tree.threshold, tree.children_left, tree.children_right, missing, values, tree.weighted_n_node_samples
    )


def _arrays(feature: Any, threshold: Any, left: Any, right: Any, missing_left: Any, value: Any, cover: Any) -> dict[str, Any]:
    def plain(values: Any, kind: type[np.generic]) -> npt.NDArray[Any]:
        # The fields of a structured array may be unaligned in memory, so they are copied.
        return np.require(values, dtype=kind, requirements=["C_CONTIGUOUS", "ALIGNED"])

    return {
        "feature": plain(feature, np.int64),
        "threshold": plain(threshold, np.float64),
        "left": plain(left, np.int64),
        "right": plain(right, np.int64),
        "missing_left": plain(missing_left, np.bool_),
        "value": plain(value, np.float64),
        "cover": plain(cover, np.float64),
    }


def _averaging(model: Any) -> dict[str, Any]:
    """Reads a forest or a single tree. The value of a leaf is the share of the second class among its training rows.
    The score of a forest is the mean over its trees. Values are compared with thresholds in single precision
    (``rounded``)."""
    trees = []
    for member in getattr(model, "estimators_", [model]):
        # Up to scikit-learn 1.2, leaf values are counts of rows. From scikit-learn 1.3 on, they are shares of rows.
        shares = member.tree_.value[:, 0, :]
        trees.append(_tree(member.tree_, shares[:, 1] / shares.sum(axis=1)))
    return {"trees": trees, "divisor": float(len(trees)), "probability": True, "rounded": True}


def _boosting(model: Any) -> dict[str, Any]:
    scales = {"log_loss": 1.0, "exponential": 2.0}
    if model.loss not in scales:
        raise _refused(f"loss {model.loss!r} is not supported")
    if not isinstance(model.init_, str) and type(model.init_).__name__ != "DummyClassifier":
        raise _refused("a custom first estimator (init) is not supported")
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))
    trees = [_tree(member.tree_, model.learning_rate * member.tree_.value[:, 0, 0]) for member in model.estimators_[:, 0]]
    return {"trees": trees, "base": float(start[0, 0]), "scale": scales[model.loss], "rounded": True}


def _histogram(model: Any) -> dict[str, Any]:
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        raise _refused("categorical columns of HistGradientBoostingClassifier are not supported")
    trees = []
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
        missing_left, threshold = nodes["missing_go_to_left"], nodes["num_threshold"]
        trees.append(_arrays(nodes["feature_idx"], threshold, left, right, missing_left, nodes["value"], nodes["count"]))
    return {"trees": trees, "base": float(np.ravel(model._baseline_prediction)[0])}


def _lightgbm(model: Any) -> str:
    # After early stopping, the text contains only the trees up to the best iteration. `predict_proba` also uses only
    # these trees.
    text: str = model.booster_.model_to_string()
    return text


def _xgboost(model: Any) -> bytes:
    if model.missing is not None and not math.isnan(model.missing):
        raise _refused(f"values of {model.missing} are missing to the estimator; only NaN is supported as missing")
    booster = model.get_booster()
    return bytes(booster.save_raw("json"))


_KINDS: dict[tuple[str, str], Callable[[Any], dict[str, Any] | str | bytes]] = {
    ("sklearn", "RandomForestClassifier"): _averaging,
    ("sklearn", "ExtraTreesClassifier"): _averaging,
    ("sklearn", "GradientBoostingClassifier"): _boosting,
    ("sklearn", "HistGradientBoostingClassifier"): _histogram,
    ("sklearn", "DecisionTreeClassifier"): _averaging,
    ("sklearn", "ExtraTreeClassifier"): _averaging,
    ("lightgbm", "LGBMClassifier"): _lightgbm,
    ("xgboost", "XGBClassifier"): _xgboost,
    ("xgboost", "XGBRFClassifier"): _xgboost,
}


def _is_fitted(estimator: Any) -> bool:
    asked = getattr(estimator, "__sklearn_is_fitted__", None)
    return bool(asked()) if asked else hasattr(estimator, "classes_")


def read(estimator: Any) -> dict[str, Any] | str | bytes:
    """Returns the content of a fitted estimator: the arrays of scikit-learn's trees, the model text of LightGBM, or the
    model JSON of XGBoost."""
    ancestors = [(kind.__module__.partition(".")[0], kind.__name__) for kind in type(estimator).__mro__]
    known = next((ancestor for ancestor in ancestors if ancestor in _KINDS), None)
    if known is None:
        names = ", ".join(name for _, name in _KINDS)
        raise _refused(f"{type(estimator).__name__} is not supported; it must be one of {names}")
    if not _is_fitted(estimator):
        raise _refused("the estimator is not fitted")
    if np.ndim(estimator.classes_[0]) or len(estimator.classes_) != 2:
        raise _refused("only estimators of one output and two classes are supported")
    found = _KINDS[known](estimator)
    if not isinstance(found, dict):
        return found
    plain = {"base": 0.0, "divisor": 1.0, "scale": 1.0, "probability": False, "rounded": False}
    own = getattr(estimator, "feature_names_in_", None)
    return plain | {"features": int(estimator.n_features_in_), "names": None if own is None else list(own)} | found
