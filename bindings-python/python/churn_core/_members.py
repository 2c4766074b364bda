"""The members of the ensemble (the models whose predictions `ChurnModel` combines) as separate scikit-learn
estimators. They accept numeric matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import _churn_core as _core
from ._churn_core import TreeEnsemble
from ._errors import make
from ._estimator import (
    Base,
    check_names,
    class_weights,
    classes_of,
    labels,
    not_fitted,
    number,
    seed,
    threads,
    weights,
    whole,
    whole_table,
)


class _Member(Base):
    """Base class of estimators for two labels."""

    _estimator_type = "classifier"

    classes_: npt.NDArray[Any]
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]
    class_weight: str | Mapping[Any, float] | None
    n_jobs: int | None

    def _learn(self, X: Any, churned: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64] | None) -> Any:
        raise NotImplementedError

    def _predict(self, X: Any) -> npt.NDArray[np.float64]:
        raise NotImplementedError

    def _check(self) -> dict[str, Any]:
        """Converts the parameters to options of the Rust library. Raises an error if a parameter is invalid."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fits the estimator and returns it.

        Args:
            X: A matrix of numbers, given as an array or a frame.
            y: One label per row. A label is a text, an integer or a bool. There must be exactly two distinct labels.
                The second label in sorted order means churned.
            sample_weight: One number per row.

        Raises:
            TrainingError: All labels are the same, or there are no rows.
            InvalidOptionError: A parameter, a label or a weight is invalid. ``.column`` says which one.
        """
        if y is None:
            message = f"{type(self).__name__} requires y to be passed, but the target y is None"
            raise make("invalid_option", message, column="y")
        self._check()
        X = whole_table(X)
        names = _names(X)
        rows, columns = _shape(X)
        found = labels(y)
        if len(found) != rows:
            message = f"Found input variables with inconsistent numbers of samples: [{rows}, {len(found)}]"
            raise make("invalid_option", message, column="y")
        classes, codes = classes_of(found)
        if len(classes) > 2:
            message = f"Only binary classification is supported: y must hold two labels, and there are {len(classes)}"
            raise make("invalid_option", message, column="y")
        weight = weights(sample_weight, rows)
        by_class = class_weights(self.class_weight, classes)
        if by_class is not None:
            own = np.ones(rows) if weight is None else weight
            if isinstance(by_class, str):
                sums = np.bincount(codes, own, len(classes))
                by_class = [own.sum() / (len(classes) * total) if total else 0.0 for total in sums]
            weight = own * np.asarray(by_class)[codes]
        self._fitted = self._learn(X, codes.astype(np.bool_), weight)
        self.classes_, self.n_features_in_ = classes, columns
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Returns the probabilities of both labels as a float64 array of shape (n, 2). The columns are in the order of
        ``classes_``."""
        if not hasattr(self, "_fitted"):
            raise not_fitted(type(self).__name__)
        X = whole_table(X)
        columns = _shape(X)[1]
        if columns != self.n_features_in_:
            own = type(self).__name__
            message = f"X has {columns} features, but {own} is expecting {self.n_features_in_} features as input."
            raise make("feature_mismatch", message)
        check_names(self, _names(X))
        return self._predict(X)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Returns the more probable label of each row."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = not isinstance(self, Logistic)
        return tags


class _Trees(_Member):
    """Base class of the estimators that consist of trees."""

    _fitted: TreeEnsemble

    def _predict(self, X: Any) -> npt.NDArray[np.float64]:
        return self._fitted.predict_proba(_matrix(X), threads=threads(self.n_jobs))

    def to_trees(self) -> TreeEnsemble:
        """Returns the fitted trees as a `TreeEnsemble`."""
        if not hasattr(self, "_fitted"):
            raise not_fitted(type(self).__name__)
        names = getattr(self, "feature_names_in_", None)
        return self._fitted if names is None else self._fitted.with_feature_names(list(names))

    def __len__(self) -> int:
        return len(self._fitted) if hasattr(self, "_fitted") else 0

    def __bool__(self) -> bool:
        return True


class GradientBoosting(_Trees):
    """Gradient boosting (Friedman, 2001). The search for the best split uses histograms of the columns. Trees grow leaf
    by leaf, as in LightGBM (Ke et al., 2017).

    NaN is a missing value. Each split learns which branch missing values take. float32 arrays are not copied. The model
    does not depend on ``n_jobs``.

    Parameters:
        n_estimators: Number of trees.
        max_leaf_nodes: Maximum number of leaves of a tree.
        max_depth: Maximum depth of a tree; None means 64.
        learning_rate: Factor by which the leaf values of each tree are multiplied.
        min_samples_leaf: Minimum number of rows in a leaf.
        subsample: Share of the rows that each tree is trained on, above 0 and at most 1.
        max_features: Share of the columns that each tree may use, above 0 and at most 1.
        l1_regularization: L1 penalty on leaf values.
        l2_regularization: L2 penalty on leaf values.
        min_hessian: Minimum sum of the second derivatives of the loss over the rows in a leaf.
        max_bins: Maximum number of bins of a column, 2 to 255.
        monotone_constraints: None, a dict from column name to ``"increasing"`` or ``"decreasing"``, or a list with 1
            (increasing), -1 (decreasing) or 0 (no constraint) for each column. Columns without names are called ``x0``,
            ``x1`` and so on.
        class_weight: None, ``"balanced"``, or a dict from label to weight.
        random_state: Seed of the random sampling.
        n_jobs: Number of threads. None and -1 mean one thread per core.

    Attributes:
        classes_: The two labels, sorted.
        n_features_in_: Number of columns.
        feature_names_in_: Names of the columns. The attribute exists only if the training data have column names.

    Example:
        >>> import numpy as np
        >>> X = np.arange(200.0).reshape(-1, 1) % 17
        >>> clf = churn.ensemble.GradientBoosting(n_estimators=20).fit(X, X[:, 0] < 5)
        >>> clf.predict([[2.0], [12.0]]).tolist()
        [True, False]
    """

    def __init__(
        self,
        n_estimators: int = 200,
        max_leaf_nodes: int = 31,
        max_depth: int | None = None,
        learning_rate: float = 0.1,
        min_samples_leaf: int = 20,
        subsample: float = 1.0,
        max_features: float = 1.0,
        l1_regularization: float = 0.0,
        l2_regularization: float = 1.0,
        min_hessian: float = 0.001,
        max_bins: int = 255,
        monotone_constraints: Any = None,
        class_weight: str | Mapping[Any, float] | None = None,
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.min_samples_leaf = min_samples_leaf
        self.subsample = subsample
        self.max_features = max_features
        self.l1_regularization = l1_regularization
        self.l2_regularization = l2_regularization
        self.min_hessian = min_hessian
        self.max_bins = max_bins
        self.monotone_constraints = monotone_constraints
        self.class_weight = class_weight
        self.random_state = random_state
        self.n_jobs = n_jobs
        self._check()

    def _check(self) -> dict[str, Any]:
        threads(self.n_jobs)
        options = {
            "n_trees": whole(self.n_estimators, "n_estimators", 1),
            "max_leaves": whole(self.max_leaf_nodes, "max_leaf_nodes", 2),
            "learning_rate": number(self.learning_rate, "learning_rate", above=0),
            "min_leaf_rows": whole(self.min_samples_leaf, "min_samples_leaf", 1),
            "subsample": number(self.subsample, "subsample", above=0, most=1),
            "colsample": number(self.max_features, "max_features", above=0, most=1),
            "l1": number(self.l1_regularization, "l1_regularization", least=0),
            "l2": number(self.l2_regularization, "l2_regularization", least=0),
            "min_leaf_hessian": number(self.min_hessian, "min_hessian", least=0),
            "max_bins": whole(self.max_bins, "max_bins", 2),
        }
        if self.max_depth is not None:
            options["max_depth"] = whole(self.max_depth, "max_depth", 1)
        return options

    def _learn(self, X: Any, churned: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64] | None) -> TreeEnsemble:
        options = self._check() | {"seed": seed(self.random_state)}
        if self.monotone_constraints is not None:
            options["monotone_constraints"] = _directions(self.monotone_constraints, X)
        return _core.fit_boosting(_matrix(X), churned, weight, options, threads(self.n_jobs))


class RandomForest(_Trees):
    """Random forest (Breiman, 2001). The search for the best split uses histograms of the columns.

    NaN is a missing value. Each split learns which branch missing values take. float32 arrays are not copied. The model
    does not depend on ``n_jobs``.

    Parameters:
        n_estimators: Number of trees.
        max_depth: Maximum depth of a tree.
        min_samples_leaf: Minimum number of rows in a leaf.
        max_features: How many columns each split may use. ``"sqrt"`` means the square root of the number of columns. A
            number above 0 and at most 1 means a share of the columns.
        smoothing: Pseudo-count, above 0. The probability of a leaf is computed as if the leaf contained this many
            additional rows, each with the mean label of all training rows.
        max_bins: Maximum number of bins of a column, 2 to 255.
        class_weight: None, ``"balanced"``, or a dict from label to weight.
        random_state: Seed of the random sampling.
        n_jobs: Number of threads. None and -1 mean one thread per core.

    Attributes:
        classes_: The two labels, sorted.
        n_features_in_: Number of columns.
        feature_names_in_: Names of the columns. The attribute exists only if the training data have column names.

    Example:
        >>> import numpy as np
        >>> X = np.arange(200.0).reshape(-1, 1) % 17
        >>> forest = churn.ensemble.RandomForest(n_estimators=20).fit(X, X[:, 0] < 5)
        >>> forest.to_trees()
        <TreeEnsemble: 20 trees, 1 columns>
    """

    def __init__(
        self,
        n_estimators: int = 200,
        max_depth: int = 12,
        min_samples_leaf: int = 5,
        max_features: float | str = "sqrt",
        smoothing: float = 2.0,
        max_bins: int = 255,
        class_weight: str | Mapping[Any, float] | None = None,
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.smoothing = smoothing
        self.max_bins = max_bins
        self.class_weight = class_weight
        self.random_state = random_state
        self.n_jobs = n_jobs
        self._check()

    def _check(self) -> dict[str, Any]:
        threads(self.n_jobs)
        options: dict[str, Any] = {
            "n_trees": whole(self.n_estimators, "n_estimators", 1),
            "max_depth": whole(self.max_depth, "max_depth", 1),
            "min_leaf_rows": whole(self.min_samples_leaf, "min_samples_leaf", 1),
            "smoothing": number(self.smoothing, "smoothing", above=0),
            "max_bins": whole(self.max_bins, "max_bins", 2),
        }
        if isinstance(self.max_features, str):
            if self.max_features != "sqrt":
                message = f"max_features must be 'sqrt' or a share above 0 up to 1, not {self.max_features!r}"
                raise make("invalid_option", message, column="max_features")
        else:
            options["colsample"] = number(self.max_features, "max_features", above=0, most=1)
        return options

    def _learn(self, X: Any, churned: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64] | None) -> TreeEnsemble:
        options = self._check() | {"seed": seed(self.random_state)}
        return _core.fit_forest(_matrix(X), churned, weight, options, threads(self.n_jobs))


class Logistic(_Member):
    """Logistic regression with an L2 penalty, fitted by L-BFGS (Liu and Nocedal, 1989). All values must be finite.

    Parameters:
        l2: Penalty on the squared coefficients. It equals ``1 / C``, where ``C`` is the parameter of scikit-learn's
            ``LogisticRegression``.
        max_iter: Maximum number of iterations.
        tol: Tolerance of the fit. The fit stops when the absolute value of every component of the mean gradient over
            the rows is at most ``tol``.
        class_weight: None, ``"balanced"``, or a dict from label to weight.
        n_jobs: Number of threads. None and -1 mean one thread per core.

    Attributes:
        classes_: The two labels, sorted.
        coef_: An array of shape (1, n_columns): for each column, the change of the log-odds when the value of the
            column grows by 1.
        intercept_: An array of shape (1,): the log-odds of a row in which all columns are 0.
        n_features_in_: Number of columns.
        feature_names_in_: Names of the columns. The attribute exists only if the training data have column names.

    Example:
        >>> import numpy as np
        >>> X = np.arange(40.0).reshape(-1, 1)
        >>> bool(churn.ensemble.Logistic().fit(X, X[:, 0] > 20).coef_[0, 0] > 0)
        True
    """

    def __init__(
        self,
        l2: float = 1.0,
        max_iter: int = 200,
        tol: float = 1e-8,
        class_weight: str | Mapping[Any, float] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.l2 = l2
        self.max_iter = max_iter
        self.tol = tol
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self._check()

    def _check(self) -> dict[str, Any]:
        threads(self.n_jobs)
        return {
            "l2": number(self.l2, "l2", least=0),
            "max_iterations": whole(self.max_iter, "max_iter", 1),
            "tolerance": number(self.tol, "tol", above=0),
        }

    def _learn(self, X: Any, churned: npt.NDArray[np.bool_], weight: npt.NDArray[np.float64] | None) -> _core.LinearModel:
        return _core.LinearModel.fit(_matrix(X), churned, weight, self._check(), threads(self.n_jobs))

    def _predict(self, X: Any) -> npt.NDArray[np.float64]:
        fitted: _core.LinearModel = self._fitted
        return fitted.predict_proba(_matrix(X), threads(self.n_jobs))

    @property
    def coef_(self) -> npt.NDArray[np.float64]:
        """An array of shape (1, n_columns): for each column, the change of the log-odds when the value of the column
        grows by 1."""
        if not hasattr(self, "_fitted"):
            raise AttributeError("coef_")
        return np.atleast_2d(self._fitted.coefficients)

    @property
    def intercept_(self) -> npt.NDArray[np.float64]:
        """An array of shape (1,): the log-odds of a row in which all columns are 0."""
        if not hasattr(self, "_fitted"):
            raise AttributeError("intercept_")
        return np.array([self._fitted.intercept])


def _names(X: Any) -> list[str] | None:
    """Returns the column names of a frame, or None if X has no column names or if none of the names is a text."""
    given = getattr(X, "column_names", None)
    if given is None:
        given = getattr(X, "columns", None)
    if given is None or getattr(X, "ndim", 2) != 2:
        return None
    names = list(given)
    texts = [isinstance(name, str) for name in names]
    if all(texts):
        return names
    if any(texts):
        message = "Feature names are only supported if all input features have string names, but some are not"
        raise make("unreadable_table", message, column="X")
    return None


def _shape(X: Any) -> tuple[int, int]:
    """Returns the number of rows and columns. If scikit-learn would refuse the input, raises an error with the message
    of scikit-learn."""
    if hasattr(X, "toarray") and hasattr(X, "tocsr"):
        message = "Sparse data was passed, but dense data is required. Use '.toarray()' to convert to a dense array."
        raise make("unreadable_table", message, column="X")
    try:
        given = X if hasattr(X, "shape") else np.asarray(X)
    except ValueError as error:
        raise make("invalid_option", f"X must be rows x columns of numbers: {error}", column="X") from None
    if getattr(given, "dtype", None) is not None and getattr(given.dtype, "kind", "") == "c":
        raise make("unreadable_table", f"Complex data not supported\n{given}", column="X")
    shape = given.shape
    if len(shape) != 2:
        message = (
            f"Expected 2D array, got {len(shape)}D array instead:\narray={given}.\n"
            "Reshape your data either using array.reshape(-1, 1) if your data has a single feature "
            "or array.reshape(1, -1) if it contains a single sample."
        )
        raise make("invalid_option", message, column="X")
    for wanted, count in (("feature", shape[1]), ("sample", shape[0])):
        if count == 0:
            message = f"Found array with 0 {wanted}(s) (shape={tuple(shape)}) while a minimum of 1 is required."
            raise make("too_little_data", message, column="X")
    return int(shape[0]), int(shape[1])


def _matrix(X: Any) -> Any:
    """Converts lists to arrays for the Rust library. Arrays and frames stay unchanged."""
    return X if hasattr(X, "shape") else np.asarray(X)


def _directions(given: Any, X: Any) -> list[int]:
    """Returns the monotone constraint of each column: 1 (increasing), -1 (decreasing) or 0 (none)."""
    columns, name = _shape(X)[1], "monotone_constraints"
    if isinstance(given, Mapping):
        names = _names(X) or [f"x{column}" for column in range(columns)]
        words = {"increasing": 1, "decreasing": -1}
        for feature, direction in given.items():
            if feature not in names:
                raise make("invalid_option", f"{name} names {feature!r}, which is not a column of X", column=name)
            if direction not in words:
                message = f"{name} of {feature!r} must be 'increasing' or 'decreasing', not {direction!r}"
                raise make("invalid_option", message, column=name)
        return [words[given[one]] if one in given else 0 for one in names]
    try:
        found = [int(direction) for direction in given]
    except (TypeError, ValueError):
        found = []
    if len(found) != columns or not set(found) <= {-1, 0, 1}:
        message = f"{name} must be a dict from column to 'increasing' or 'decreasing', or {columns} of 1, -1 and 0"
        raise make("invalid_option", message, column=name)
    return found
