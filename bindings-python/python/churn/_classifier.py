"""The scikit-learn estimator: labels, columns and messages as scikit-learn has them; everything else is the core's."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ._churn import Explanation, FlatModel, FlatTable, Reason
from ._errors import InvalidOptionError, make


class LeakageWarning(UserWarning):
    """A column of a flat table knows the label."""


@dataclass(frozen=True)
class Leak:
    """A column that knows the label."""

    #: The column.
    column: str
    #: In which way: ``"restates_label"``, ``"only_for_churned"``, ``"only_for_retained"``, ``"identifier"``.
    leak: str
    #: The evidence in words.
    evidence: str
    #: Whether the caller allowed it.
    allowed: bool


class _Plain:
    """What scikit-learn's base classes give, where scikit-learn is not installed."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Any:
        """Sets constructor arguments; returns itself."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                message = f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: {sorted(known)}."
                raise make("invalid_option", message, column=name)
            setattr(self, name, value)
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows whose label is predicted."""
        right = np.asarray(self.predict(X)) == np.asarray(y).ravel()  # type: ignore[attr-defined]
        return float(np.average(right, weights=sample_weight))

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        own = [f"{name}={value!r}" for name, value in self.get_params().items() if value is not defaults[name].default]
        return f"{type(self).__name__}({', '.join(own)})"


if TYPE_CHECKING:

    class _Base(_Plain):
        def __repr__(self, N_CHAR_MAX: int = 700) -> str: ...
        def set_score_request(self, *, sample_weight: bool | None | str = "$UNCHANGED$") -> Self: ...

else:
    try:
        from sklearn.base import BaseEstimator, ClassifierMixin

        class _Base(ClassifierMixin, BaseEstimator):
            """scikit-learn's own base classes."""

    except ImportError:
        _Base = _Plain


class ChurnClassifier(_Base):
    """A classifier of flat tables: a row per customer, or several, columns of any type, a label.

    The ensemble of `ChurnModel` without dates: a regularised linear member, boosted trees and a forest, blended and
    calibrated on predictions that no member was fitted on. Numbers, texts of any number of levels, bools, moments and
    missing values enter as they are. The model does not depend on threads or on the order of rows.

    Parameters:
        seed: Seeds everything that is drawn.
        threads: None for all; never changes a bit of the model.
        leakage: What is done about columns that know the label: ``"warn"``, ``"refuse"`` or ``"allow"``.
        allow: Names of columns that may know the label; none is warned of or refused.
        class_weight: None, ``"balanced"``, or a dict from label to weight. With weights the probabilities are those of a
            table with that balance of classes.
        monotone_constraints: None, or a dict from names of number columns to ``"raises"`` or ``"lowers"``: the probability may only rise or
            only fall with them. The forest cannot be held to that and is left out. Columns of arrays are ``x0``, ``x1``, and so on.

    Attributes:
        classes_: The labels, sorted.
        n_features_in_: Number of columns.
        feature_names_in_: Names of the columns, where they have names.
        leaks_: Columns that know the label, with the evidence.
        report_: How it was fitted: a dict with ``rows``, ``rows_of_class``, ``groups`` (how many there are of rows that are held
            out together), and in ``parts``, for each class that is told from the rest (with two labels the second alone), the
            members with their weights, the calibration, and ``log_loss`` and ``roc_auc`` on rows held out in turn; with
            ``dropped_members``, each with its reason, and ``monotone_constraints``, the directions.

    Example:
        >>> import churn
        >>> rows = [{"plan": "pro" if i % 3 else "basic", "minutes": float(i * 37 % 100)} for i in range(300)]
        >>> left = ["yes" if (row["minutes"] < 40) == (i % 5 > 0) else "no" for i, row in enumerate(rows)]
        >>> clf = churn.ChurnClassifier(seed=1).fit(rows, left)
        >>> clf.classes_.tolist()
        ['no', 'yes']
        >>> clf.predict_proba(rows).shape
        (300, 2)
        >>> clf.predict([{"plan": "pro", "minutes": 3.0}]).tolist()
        ['yes']
    """

    classes_: npt.NDArray[Any]
    n_features_in_: int
    feature_names_in_: npt.NDArray[np.object_]
    leaks_: list[Leak]
    report_: dict[str, Any]

    if TYPE_CHECKING:

        def set_fit_request(
            self, *, groups: bool | None | str = "$UNCHANGED$", sample_weight: bool | None | str = "$UNCHANGED$"
        ) -> Self: ...
        def set_score_request(self, *, sample_weight: bool | None | str = "$UNCHANGED$") -> Self: ...

    def __init__(
        self,
        seed: int = 0,
        threads: int | None = None,
        leakage: str = "warn",
        allow: Iterable[str] = (),
        class_weight: str | Mapping[Any, float] | None = None,
        monotone_constraints: Mapping[str, str] | None = None,
    ) -> None:
        self.seed = seed
        self.threads = threads
        self.leakage = leakage
        self.allow = allow
        self.class_weight = class_weight
        self.monotone = monotone_constraints

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> ChurnClassifier:
        """Fits to rows and their labels; returns itself.

        Args:
            X: rows x columns: a numpy array, a pandas, polars or pyarrow frame, a list of lists or of dicts.
            y: One label per row: texts, integers or bools. Of two labels the second in sorted order is the churned one;
                with more, each is told from the rest.
            sample_weight: One number per row. Whole numbers are that many equal rows; others are scaled to a mean of 1.
            groups: One label per row, of any hashable sort: whose row it is, where a customer has several, as in a panel of
                dates. Rows of one group are never on both sides of a fold, so that members are stopped, blended and calibrated
                by what they say of customers they have not seen; without, they look better than they are. How groups are
                called, and in which order they come, changes no bit.

        Raises:
            TrainingError: there is one class only, or only one group has rows of a class; or, with ``leakage="refuse"``, a
                column knows the label.
            InvalidOptionError: labels, weights or groups are not one per row, or one is missing; with the row.
            InvalidRecordsError: an infinity, or a value of a type that no column may have; with row and column.
        """
        if y is None:
            message = f"{type(self).__name__} requires y to be passed, but the target y is None"
            raise make("invalid_option", message, column="y")
        table, names = _table(X)
        labels = _labels(y)
        if len(labels) != len(table):
            message = f"Found input variables with inconsistent numbers of samples: [{len(table)}, {len(labels)}]"
            raise make("invalid_option", message, column="y")
        classes, codes = np.unique(labels, return_inverse=True)
        self._model = FlatModel.fit(
            table,
            codes.astype(np.uint32),
            _weights(sample_weight, len(table)),
            _groups(groups),
            self._class_weights(classes),
            seed=self.seed,
            threads=self.threads,
            leakage=self.leakage,
            allow=[self.allow] if isinstance(self.allow, str) else list(self.allow),
            monotone_constraints=self._directions(),
        )
        self.classes_ = classes
        self.n_features_in_ = len(table.names)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        report = json.loads(self._model.report)
        self.leaks_ = [
            Leak(found["column"], found["leak"], found["evidence"], found["action"] == "allowed")
            for found in report.pop("leaks")
        ]
        self.report_ = report
        suspects = [leak for leak in self.leaks_ if not leak.allowed]
        if suspects:
            listed = "; ".join(f"{leak.column!r} ({leak.leak}): {leak.evidence}" for leak in suspects)
            message = f"columns know the label: {listed}. Leave them out, or name in 'allow' those known before the label"
            warnings.warn(message, LeakageWarning, stacklevel=2)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Calibrated probabilities, float64 (n, 2): a column per class, as in ``classes_``."""
        model = self._fitted()
        return model.predict_proba(self._given(X), threads=self.threads)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The most probable label of each row."""
        proba = self.predict_proba(X)
        return np.asarray(self.classes_[proba.argmax(axis=1)])

    def predict_interval(self, X: Any) -> npt.NDArray[np.float64]:
        """How sure the calibration is of each row's probability of the second label, which lies between the two: float64 (n, 2).

        A 90 % interval for the churn rate of rows that score like it, from a bootstrap that draws whole groups; of two labels.
        It is not the range of what may become of one customer, nor the members' own doubt.

        Example:
            >>> import churn
            >>> rows = [{"minutes": float(i // 3 * 37 % 100 + i % 3)} for i in range(300)]
            >>> customers = [f"C-{i // 3}" for i in range(300)]
            >>> left = [row["minutes"] < 40 and i // 3 % 5 > 0 for i, row in enumerate(rows)]
            >>> clf = churn.ChurnClassifier(leakage="allow").fit(rows, left, groups=customers)
            >>> clf.report_["groups"]
            100
            >>> low, high = clf.predict_interval(rows[:1])[0]
            >>> bool(low <= clf.predict_proba(rows[:1])[0, 1] <= high)
            True
        """
        model = self._fitted()
        return model.predict_interval(self._given(X), threads=self.threads)

    def explain(self, X: Any) -> Explanation:
        """Contributions of every column to every row: Shapley values in log-odds, before calibration; of two classes."""
        model = self._fitted()
        return model.explain(self._given(X), threads=self.threads)

    def reasons(self, X: Any, top: int = 5) -> list[list[Reason]]:
        """For every row the columns that move its score the most, either way, largest first; of two classes."""
        model = self._fitted()
        return model.reasons(self._given(X), top, threads=self.threads)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _class_weights(self, classes: npt.NDArray[Any]) -> str | list[float] | None:
        given = self.class_weight
        if given is None or isinstance(given, str) and given == "balanced":
            return given
        if isinstance(given, Mapping):
            return [float(given.get(label, 1.0)) for label in classes.tolist()]
        message = f"class_weight is None, 'balanced' or a dict from label to weight, not {given!r}"
        raise make("invalid_option", message, column="class_weight")

    def _directions(self) -> list[tuple[str, str]]:
        given = self.monotone_constraints
        if given is None:
            return []
        if isinstance(given, Mapping):
            return [(str(name), str(direction)) for name, direction in given.items()]
        message = f"monotone is None or a dict from column to 'raises' or 'lowers', not {given!r}"
        raise make("invalid_option", message, column="monotone_constraints")

    def _fitted(self) -> FlatModel:
        if not hasattr(self, "_model"):
            raise _not_fitted(type(self).__name__)
        return self._model

    def _given(self, X: Any) -> FlatTable:
        """A table with the names and the number of columns that were learnt from."""
        table, names = _table(X)
        own, known = type(self).__name__, getattr(self, "feature_names_in_", None)
        if names is not None and known is not None:
            if (wrong := _name_mismatch(list(known), names)) is not None:
                raise make("feature_mismatch", wrong)
        elif names is not None:
            warnings.warn(f"X has feature names, but {own} was fitted without feature names", UserWarning, stacklevel=3)
        elif known is not None:
            message = f"X does not have valid feature names, but {own} was fitted with feature names"
            warnings.warn(message, UserWarning, stacklevel=3)
        if len(table.names) != self.n_features_in_:
            message = f"X has {len(table.names)} features, but {own} is expecting {self.n_features_in_} features as input."
            raise make("feature_mismatch", message)
        return table.renamed(self._model.feature_names)


def _table(X: Any) -> tuple[FlatTable, list[str] | None]:
    """The rows, and the names of the columns where they have names."""
    if hasattr(X, "toarray") and hasattr(X, "tocsr"):
        message = "Sparse data was passed, but dense data is required. Use '.toarray()' to convert to a dense array."
        raise make("unreadable_table", message, column="X")
    names: list[str] | None = None
    if _is_frame(X):
        # Of frames only those of pandas may have names that are no texts.
        given = list(X.columns) if hasattr(X, "set_axis") else []
        if any(not isinstance(name, str) for name in given):
            if any(isinstance(name, str) for name in given):
                message = "Feature names are only supported if all input features have string names, but some are not"
                raise make("unreadable_table", message, column="X")
            table = FlatTable(X.set_axis(_numbered(len(given)), axis=1))
        else:
            table = FlatTable(X)
            names = table.names
    else:
        table = _of_array(np.asarray(X))
    shape = (len(table), len(table.names))
    for wanted, count in (("feature", shape[1]), ("sample", shape[0])):
        if count == 0:
            message = f"Found array with 0 {wanted}(s) (shape={shape}) while a minimum of 1 is required."
            raise make("too_little_data", message, column="X")
    return table, names


def _is_frame(X: Any) -> bool:
    """Whether X is a table with named columns."""
    if isinstance(X, Mapping):
        return True
    if isinstance(X, (list, tuple)):
        return len(X) > 0 and isinstance(X[0], Mapping)
    named = hasattr(X, "columns") or hasattr(X, "column_names") or hasattr(X, "__arrow_c_stream__")
    return named and getattr(X, "ndim", 2) == 2


def _of_array(X: npt.NDArray[Any]) -> FlatTable:
    if X.dtype.kind == "c":
        raise make("unreadable_table", f"Complex data not supported\n{X}", column="X")
    if X.ndim != 2:
        message = (
            f"Expected 2D array, got {X.ndim}D array instead:\narray={X}.\n"
            "Reshape your data either using array.reshape(-1, 1) if your data has a single feature "
            "or array.reshape(1, -1) if it contains a single sample."
        )
        raise make("invalid_option", message, column="X")
    if X.shape[1] == 0:
        message = f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required."
        raise make("too_little_data", message, column="X")
    if X.dtype.kind == "u":
        X = X.astype(np.float64)
    return FlatTable({name: X[:, column] for column, name in enumerate(_numbered(X.shape[1]))})


def _numbered(count: int) -> list[str]:
    return [f"x{column}" for column in range(count)]


def _labels(y: Any) -> npt.NDArray[Any]:
    """One label per row, all of one sort, none missing."""
    labels = np.asarray(y)
    if labels.dtype.kind == "c":
        raise make("invalid_option", f"Complex data not supported\n{labels}", column="y")
    if labels.ndim == 2 and labels.shape[1] == 1:
        message = (
            "A column-vector y was passed when a 1d array was expected. "
            "Please change the shape of y to (n_samples, ), for example using ravel()."
        )
        warnings.warn(message, _conversion_warning(), stacklevel=3)
        labels = labels.ravel()
    wrong = None
    if labels.ndim != 1:
        wrong = f"y should be a 1d array, got an array of shape {labels.shape} instead."
    elif labels.dtype.kind == "f":
        if np.isnan(labels).any():
            wrong = "Input y contains NaN."
        elif np.isinf(labels).any():
            wrong = "Input y contains infinity."
        elif (labels != np.trunc(labels)).any():
            wrong = (
                "Unknown label type: continuous. Maybe you are trying to fit a classifier, which expects discrete "
                "classes on a regression target with continuous values."
            )
    elif labels.dtype.kind == "O":
        if any(label is None or label != label for label in labels.tolist()):
            wrong = "Input y contains missing values."
        elif len({isinstance(label, str) for label in labels.tolist()}) > 1:
            wrong = "Unknown label type: y mixes texts with labels that are none."
    if wrong is not None:
        raise make("invalid_option", wrong, column="y")
    return labels


def _conversion_warning() -> type[Warning]:
    try:
        from sklearn.exceptions import DataConversionWarning
    except ImportError:
        return UserWarning
    return DataConversionWarning  # type: ignore[no-any-return]


def _weights(given: Any, rows: int) -> npt.NDArray[np.float64] | None:
    if given is None:
        return None
    if np.isscalar(given):
        return np.full(rows, given, dtype=np.float64)
    weights = np.asarray(given, dtype=np.float64)
    if weights.ndim != 1:
        raise make("invalid_option", "Sample weights must be 1D array or scalar", column="sample_weight")
    return np.ascontiguousarray(weights)


def _groups(given: Any) -> npt.NDArray[np.uint32] | None:
    """A code for each group, numbered as they first come."""
    if given is None:
        return None

    def refused(why: str, row: int | None = None) -> Exception:
        return make("invalid_option", f"groups must be one label per row: {why}", row=row, column="groups")

    if isinstance(given, (str, bytes, Mapping)) or getattr(given, "ndim", 1) != 1 or hasattr(given, "columns"):
        raise refused(f"{type(given).__name__} is no list, array or series of labels")
    listed = next((name for name in ("to_pylist", "to_list", "tolist") if hasattr(given, name)), None)
    try:
        labels = list(given) if listed is None else getattr(given, listed)()
    except TypeError:
        raise refused(f"{type(given).__name__} is no list, array or series of labels") from None
    codes: dict[Any, int] = {}
    found = np.empty(len(labels), dtype=np.uint32)
    for row, label in enumerate(labels):
        try:
            found[row] = codes.setdefault(label, len(codes))
        except TypeError:
            raise refused(f"the one of row {row} is a {type(label).__name__}, which is not hashable", row) from None
        # What is missing may refuse to be compared, as pandas' does.
        try:
            missing = label is None or bool(label != label)
        except (TypeError, ValueError):
            missing = True
        if missing:
            raise refused(f"the one of row {row} is missing", row)
    return found


def _name_mismatch(known: list[str], given: list[str]) -> str | None:
    """What scikit-learn says of columns that are not those of the fit."""
    if known == given:
        return None
    message = "The feature names should match those that were passed during fit.\n"
    for title, names in (
        ("Feature names unseen at fit time:\n", sorted(set(given) - set(known))),
        ("Feature names seen at fit time, yet now missing:\n", sorted(set(known) - set(given))),
    ):
        if names:
            message += title + "".join(f"- {name}\n" for name in names[:5])
            message += "- ...\n" if len(names) > 5 else ""
    if set(known) == set(given):
        message += "Feature names must be in the same order as they were in fit.\n"
    return message


def _tags(allow_nan: bool) -> Any:
    """What scikit-learn asks of an estimator of two labels on numbers."""
    from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

    return Tags(
        estimator_type="classifier",
        target_tags=TargetTags(required=True),
        classifier_tags=ClassifierTags(multi_class=False),
        input_tags=InputTags(allow_nan=allow_nan),
    )


def _not_fitted(name: str) -> Exception:
    message = f"This {name} instance is not fitted yet. Call 'fit' with appropriate arguments before using this estimator."
    try:
        from sklearn.exceptions import NotFittedError
    except ImportError:
        return make("invalid_option", message, column="fit")

    error: InvalidOptionError = type("NotFittedError", (InvalidOptionError, NotFittedError), {})(message)
    error.code, error.column = "invalid_option", "fit"
    return error
