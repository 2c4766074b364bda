"""The scikit-learn estimator for flat tables."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ._churn_core import FlatModel, FlatTable
from ._errors import make
from ._estimator import (
    Base,
    check_names,
    class_weights,
    classes_of,
    groups,
    labels,
    not_fitted,
    seed,
    threads,
    weights,
    whole_table,
)
from ._results import Explanation, Reason, ToDict

#: `ChurnClassifier.feature_importances_` is computed from at most this many training rows.
_IMPORTANCE_ROWS = 500


class LeakageWarning(UserWarning):
    """A warning that a column of a flat table leaks the target (reveals the label)."""


class ColumnWarning(UserWarning):
    """A warning that a column of a flat table may have been read with the wrong type, for example as numbers instead of
    categories."""


@dataclass(frozen=True, slots=True)
class Leak(ToDict):
    """A column that leaks the target (reveals the label)."""

    #: The name of the column.
    column: str
    #: How the column reveals the label: ``"restates_label"`` (it separates the classes nearly without error),
    #: ``"only_for_churned"`` or ``"only_for_retained"`` (a value, or its absence, occurs only in one class), or
    #: ``"identifier"`` (it identifies rows or encodes their order).
    leak: str
    #: The evidence in words.
    evidence: str
    #: Whether ``allow_columns`` or ``leakage="allow"`` accepts the column.
    allowed: bool


class ChurnClassifier(Base):
    """Ensemble classifier for flat tables (tables without dates). Each row has one label. Columns may have any type.

    The ensemble has the same members as the ensemble of `ChurnModel`: a regularised linear member, boosted trees and a
    random forest. The predictions of the members are blended, and the blend is calibrated. The blend weights and
    the calibration are fitted to out-of-fold predictions. Numbers, texts with any number of distinct values, bools,
    timestamps and missing values need no encoding. A customer may have several rows (see ``groups`` of `fit`). The
    model does not depend on ``n_jobs`` or on the order of the rows.

    Parameters:
        random_state: Seed of the random sampling.
        n_jobs: Number of threads. None and -1 mean one thread per core.
        leakage: What happens to columns that leak the target (reveal the label): ``"warn"``, ``"refuse"`` or
            ``"allow"``.
        allow_columns: Names of columns that are accepted although they leak the target (reveal the label).
        class_weight: None, ``"balanced"``, or a dict from label to weight. With class weights, the predicted
            probabilities are calibrated for a population in which the classes have the weighted frequencies.
        monotone_constraints: None, or a dict from the name of a numeric column to ``"increasing"`` or ``"decreasing"``.
            With ``"increasing"``, a larger value of the column never lowers the predicted probability. With
            ``"decreasing"``, a larger value never raises the predicted probability. With constraints, the ensemble has
            no random forest. The columns of an array have the names ``x0``, ``x1`` and so on.
        categorical: Names of columns whose numbers are categories, such as postal codes.

    Attributes:
        classes_: The labels, sorted.
        n_features_in_: Number of columns.
        feature_names_in_: Names of the columns. The attribute exists only if the training data have column names.
        feature_importances_: Mean absolute Shapley value (in log-odds) of each column, scaled to a sum of 1. It is
            computed from at most 500 training rows. The attribute exists only if there are two labels.
        leaks_: A list of `Leak`: the columns that leak the target (reveal the label), with the evidence.
        report_: A dict that describes the fit. ``rows`` is the number of rows, and ``rows_of_class`` is the number of
            rows of each class. ``groups`` is the number of groups (all rows of a group are in the same fold).
            ``dropped_members`` lists the members that are not used, with reasons. ``monotone_constraints`` lists the
            constraints. ``column_notes`` lists columns that may have been read with the wrong type. ``parts`` has one
            entry per class. If there are two labels, ``parts`` has only the entry of the second label. An entry
            contains the members and their weights, the calibration, and ``log_loss`` and ``roc_auc`` of the
            out-of-fold predictions.

    Example:
        >>> import churn_core as churn
        >>> rows = [{"plan": "pro" if i % 3 else "basic", "minutes": float(i * 37 % 100)} for i in range(300)]
        >>> left = ["yes" if (row["minutes"] < 40) == (i % 5 > 0) else "no" for i, row in enumerate(rows)]
        >>> clf = churn.ChurnClassifier(random_state=1).fit(rows, left)
        >>> clf.classes_.tolist()
        ['no', 'yes']
        >>> clf.predict_proba(rows).shape
        (300, 2)
        >>> clf.predict([{"minutes": 3.0, "plan": "pro"}]).tolist()
        ['yes']
        >>> str(clf.feature_names_in_[clf.feature_importances_.argmax()])
        'minutes'
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

    def __init__(
        self,
        random_state: Any = 0,
        n_jobs: int | None = None,
        leakage: str = "warn",
        allow_columns: Iterable[str] = (),
        class_weight: str | Mapping[Any, float] | None = None,
        monotone_constraints: Mapping[str, str] | None = None,
        categorical: Iterable[str] | None = None,
    ) -> None:
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.leakage = leakage
        self.allow_columns = allow_columns
        self.class_weight = class_weight
        self.monotone_constraints = monotone_constraints
        self.categorical = categorical

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> ChurnClassifier:
        """Fits the classifier and returns it.

        Args:
            X: A table: a numpy array, a frame of pandas, polars or pyarrow, a list of lists, a list of dicts, or a dict
                of columns. None, NaN, NaT, NA and masked values are missing values.
            y: One label per row. A label is a text, an integer or a bool. If there are two distinct labels, the second
                in sorted order means churned. If there are more than two labels, one model is fitted for each label.
                Each model separates the rows with its label from all other rows.
            sample_weight: One number per row. If all weights are integers, a weight n has the effect of n equal rows.
                Otherwise, the weights are scaled to a mean of 1.
            groups: One group label per row, usually the customer id. Pass groups if a customer has several rows. All
                rows of a group are then in the same fold (stratified group k-fold). Without groups, rows of one
                customer would be in several folds, so the metrics would be too optimistic and the probabilities too
                extreme. The names and the order of the groups have no effect.

        Raises:
            TrainingError: There is only one class, a class has rows of only one group, or a column leaks the target and
                ``leakage`` is ``"refuse"``.
            InvalidOptionError: A parameter, label, weight or group is invalid. ``.column`` and ``.row`` say which one.
            InvalidRecordsError: A value is infinite or of an unsupported type. ``.row`` and ``.column`` say where the
                value is.
        """
        if y is None:
            message = f"{type(self).__name__} requires y to be passed, but the target y is None"
            raise make("invalid_option", message, column="y")
        X = whole_table(X)
        table, names = _table(X)
        found = labels(y)
        if len(found) != len(table):
            message = f"Found input variables with inconsistent numbers of samples: [{len(table)}, {len(found)}]"
            raise make("invalid_option", message, column="y")
        classes, codes = classes_of(found)
        weight = weights(sample_weight, len(table))
        counted = codes if weight is None else codes[weight > 0]
        if len(np.unique(counted)) < 2:
            message = f"y has one class only, {classes[counted[0]]!r}: there must be rows of at least two classes"
            raise make("single_class", message)
        self._model = FlatModel.fit(
            table,
            codes.astype(np.uint32),
            weight,
            _group_codes(groups),
            class_weights(self.class_weight, classes),
            seed=seed(self.random_state),
            threads=threads(self.n_jobs),
            leakage=self.leakage,
            allow_columns=self.allow_columns,
            monotone_constraints=self.monotone_constraints,
            categorical=self._categories(),
        )
        self.classes_ = classes
        self.n_features_in_ = len(table.names)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._importances: npt.NDArray[np.float64] | None = None
        self._sample: FlatTable | None = _table(_some_rows(X, len(table)))[0]
        report = json.loads(self._model.report)
        self.leaks_ = [
            Leak(found["column"], found["leak"], found["evidence"], found["action"] == "allowed")
            for found in report.pop("leaks")
        ]
        self.report_ = report
        suspects = [leak for leak in self.leaks_ if not leak.allowed]
        if suspects:
            listed = "; ".join(f"{leak.column!r} ({leak.leak}): {leak.evidence}" for leak in suspects)
            message = (
                f"columns leak the target: {listed}. Leave them out, or name those known before the label in allow_columns"
            )
            warnings.warn(message, LeakageWarning, stacklevel=2)
        for note in report["column_notes"]:
            if note["code"] == "numbers_as_texts":
                warnings.warn(f"column {note['column']!r}: {note['message']}", ColumnWarning, stacklevel=2)
        return self

    @property
    def feature_importances_(self) -> npt.NDArray[np.float64]:
        """Mean absolute Shapley value (in log-odds) of each column, scaled to a sum of 1. This attribute exists only if
        there are two labels."""
        if not hasattr(self, "_model"):
            raise AttributeError("feature_importances_")
        if self._importances is None:
            if len(self.classes_) != 2 or self._sample is None:
                raise AttributeError("feature_importances_ is available for two classes only")
            sample = self._sample.renamed(self._model.feature_names)
            values = self._model.explain(sample, threads=threads(self.n_jobs)).values
            size = np.abs(values).mean(axis=0)
            total = size.sum()
            self._importances = size / total if total > 0 else size
            self._sample = None
        return self._importances.copy()

    def __getstate__(self) -> dict[str, Any]:
        # A copy or pickle does not contain the sample of training rows, so the importances are computed before copying.
        if hasattr(self, "_model") and len(self.classes_) == 2:
            self.feature_importances_  # noqa: B018
        inherited = getattr(super(), "__getstate__", None)
        state: dict[str, Any] = dict(inherited() if inherited is not None else self.__dict__)
        if "_sample" in state:
            state["_sample"] = None
        return state

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Returns the calibrated probabilities, as a float64 array of shape (n, n_classes). The columns are in the
        order of ``classes_``."""
        model = self._fitted()
        return model.predict_proba(self._given(X), threads=threads(self.n_jobs))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Returns the most probable label of each row."""
        proba = self.predict_proba(X)
        return np.asarray(self.classes_[proba.argmax(axis=1)])

    def predict_interval(self, X: Any) -> npt.NDArray[np.float64]:
        """Returns a 90 % confidence interval for each row, as a float64 array of shape (n, 2). The first column
        contains the lower bounds, and the second column contains the upper bounds.

        The interval is a confidence interval for the churn rate of rows with the same score. The interval comes from a
        bootstrap that resamples groups and refits the calibration. It always contains the row's probability of the
        second label. It does not include model uncertainty. This method is available only if there are two labels.

        Example:
            >>> import churn_core as churn
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
        return model.predict_interval(self._given(X), threads=threads(self.n_jobs))

    def explain(self, X: Any) -> Explanation:
        """Returns the Shapley values of every column for every row, as an `Explanation` in log-odds before calibration.

        This method is available only if there are two labels."""
        model = self._fitted()
        return model.explain(self._given(X), threads=threads(self.n_jobs))

    def reasons(self, X: Any, top: int = 5) -> list[list[Reason]]:
        """Returns a list for each row. The list contains the columns that raise or lower the row's score most, largest
        contribution first. This method is available only if there are two labels."""
        model = self._fitted()
        return model.reasons(self._given(X), top, threads=threads(self.n_jobs))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _categories(self) -> list[str]:
        given = self.categorical
        if given is None:
            return []
        listed = [given] if isinstance(given, str) else list(given)
        if not all(isinstance(name, str) for name in listed):
            message = f"categorical must be a list of column names, not {given!r}"
            raise make("invalid_option", message, column="categorical")
        return listed

    def _fitted(self) -> FlatModel:
        if not hasattr(self, "_model"):
            raise not_fitted(type(self).__name__)
        return self._model

    def _given(self, X: Any) -> FlatTable:
        """Reads X and checks that X has the columns of the training data."""
        X = whole_table(X)
        known = getattr(self, "feature_names_in_", None)
        if known is not None and _is_rows(X):
            X = _in_order(list(X), list(known))
        table, names = _table(X)
        own = type(self).__name__
        check_names(self, names, stacklevel=4)
        if len(table.names) != self.n_features_in_:
            message = f"X has {len(table.names)} features, but {own} is expecting {self.n_features_in_} features as input."
            raise make("feature_mismatch", message)
        return table.renamed(self._model.feature_names)


def _is_rows(X: Any) -> bool:
    """Whether X is a list of dicts."""
    return isinstance(X, (list, tuple)) and len(X) > 0 and all(isinstance(row, Mapping) for row in X)


def _in_order(rows: list[Mapping[str, Any]], known: list[str]) -> dict[str, list[Any]]:
    """Converts a list of dicts to a dict of columns. If a dict lacks a key, the value in that column is missing."""
    given = dict.fromkeys(name for row in rows for name in row)
    if other := [name for name in given if name not in known]:
        message = "The feature names should match those that were passed during fit.\nFeature names unseen at fit time:\n"
        raise make("feature_mismatch", message + "".join(f"- {name}\n" for name in other[:5]), column=str(other[0]))
    return {name: [row.get(name) for row in rows] for name in known}


def _table(X: Any) -> tuple[FlatTable, list[str] | None]:
    """Converts X to a table of the Rust library. Also returns the column names, or None if X has none."""
    if hasattr(X, "toarray") and hasattr(X, "tocsr"):
        message = "Sparse data was passed, but dense data is required. Use '.toarray()' to convert to a dense array."
        raise make("unreadable_table", message, column="X")
    names: list[str] | None = None
    if _is_frame(X):
        # Only pandas allows column names that are not texts.
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
        table = _of_array(X)
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


def _of_array(X: Any) -> FlatTable:
    # Lists of rows are read column by column, because numpy would turn all numbers into texts if some column contained
    # texts.
    rows = list(X) if isinstance(X, (list, tuple)) and not any(np.isscalar(row) for row in X) else None
    try:
        array = X if isinstance(X, np.ma.MaskedArray) else np.asarray(X)
    except ValueError as error:
        raise make("invalid_option", f"X must be rows of equal length: {error}", column="X") from None
    if array.dtype.kind == "c":
        raise make("unreadable_table", f"Complex data not supported\n{array}", column="X")
    if array.ndim != 2:
        message = (
            f"Expected 2D array, got {array.ndim}D array instead:\narray={array}.\n"
            "Reshape your data either using array.reshape(-1, 1) if your data has a single feature "
            "or array.reshape(1, -1) if it contains a single sample."
        )
        raise make("invalid_option", message, column="X")
    names = _numbered(array.shape[1])
    if array.shape[1] == 0:
        message = f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
        raise make("too_little_data", message, column="X")
    if rows is not None and array.dtype.kind not in "biuf":
        columns = zip(*(row.tolist() if hasattr(row, "tolist") else row for row in rows), strict=True)
        return FlatTable({name: list(column) for name, column in zip(names, columns, strict=True)})
    if array.dtype.kind == "u":
        array = array.astype(np.float64)
    return FlatTable({name: array[:, column] for column, name in enumerate(names)})


def _numbered(count: int) -> list[str]:
    return [f"x{column}" for column in range(count)]


def _some_rows(X: Any, rows: int) -> Any:
    """Selects at most 500 evenly spaced rows of X."""
    if rows <= _IMPORTANCE_ROWS:
        return X
    step = -(-rows // _IMPORTANCE_ROWS)
    if isinstance(X, Mapping):
        return {name: _some_rows(column, rows) for name, column in X.items()}
    if hasattr(X, "iloc"):
        return X.iloc[::step]
    if hasattr(X, "take") and hasattr(X, "column_names"):
        return X.take(list(range(0, rows, step)))
    try:
        return X[::step]
    except (TypeError, KeyError):
        return X


# Inside `fit`, the argument `groups` hides the function `groups`, so the function has an alias.
_group_codes = groups

for _kind in (ChurnClassifier, Leak, LeakageWarning, ColumnWarning):
    _kind.__module__ = "churn_core"
