"""The base class of the scikit-learn estimators, and functions that check parameters, labels and weights. The functions
check the same conditions as scikit-learn and raise errors with the same messages."""

from __future__ import annotations

import inspect
import numbers
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ._errors import InvalidOptionError, make


class _Plain:
    """Replaces the base classes of scikit-learn if scikit-learn is not installed."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns the constructor arguments by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Any:
        """Sets constructor arguments and returns the estimator."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                message = f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: {sorted(known)}."
                raise make("invalid_option", message, column=name)
            setattr(self, name, value)
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Returns the accuracy: the share of rows whose label is predicted correctly."""
        right = np.asarray(self.predict(X)) == np.asarray(y).ravel()  # type: ignore[attr-defined]
        return float(np.average(right, weights=sample_weight))

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        own = [f"{name}={value!r}" for name, value in self.get_params().items() if value is not defaults[name].default]
        return f"{type(self).__name__}({', '.join(own)})"


if TYPE_CHECKING:

    class Base(_Plain):
        def __repr__(self, N_CHAR_MAX: int = 700) -> str: ...
        def set_fit_request(self, *, sample_weight: bool | None | str = "$UNCHANGED$") -> Self: ...
        def set_score_request(self, *, sample_weight: bool | None | str = "$UNCHANGED$") -> Self: ...
        def __sklearn_tags__(self) -> Any: ...

else:
    try:
        from sklearn.base import BaseEstimator, ClassifierMixin

        class Base(ClassifierMixin, BaseEstimator):
            """The base class of the estimators if scikit-learn is installed."""

    except ImportError:
        Base = _Plain


def whole(value: Any, name: str, least: int) -> int:
    """Converts ``value`` to an int. Raises an error unless the value is a whole number of at least ``least``."""
    if isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_)) and int(value) >= least:
        return int(value)
    raise make("invalid_option", f"{name} must be a whole number of at least {least}, not {value!r}", column=name)


def number(value: Any, name: str, above: float | None = None, least: float | None = None, most: float | None = None) -> float:
    """Converts ``value`` to a float. Raises an error unless the value is finite and within the bounds."""
    if isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)):
        found = float(value)
        above_all = (above is None or found > above) and (least is None or found >= least)
        if np.isfinite(found) and above_all and (most is None or found <= most):
            return found
    bounds = [f"above {above}" if above is not None else "", f"from {least}" if least is not None else ""]
    bounds.append(f"up to {most}" if most is not None else "")
    within = " ".join(bound for bound in bounds if bound)
    raise make("invalid_option", f"{name} must be a number {within}, not {value!r}".replace("  ", " "), column=name)


def seed(random_state: Any) -> int:
    """Returns the seed for ``random_state``. If ``random_state`` is a whole number, this number is the seed. None gives
    the seed 0. If ``random_state`` is a numpy generator, the seed is drawn from this generator."""
    if random_state is None:
        return 0
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    found = whole(random_state, "random_state", 0)
    if found >= 2**64:
        raise make("invalid_option", f"random_state must be below 2**64, not {found}", column="random_state")
    return found


def threads(n_jobs: Any) -> int | None:
    """Returns the number of threads for ``n_jobs``. If ``n_jobs`` is None or -1, the result is None, which means one
    thread per core."""
    if n_jobs is None or isinstance(n_jobs, numbers.Integral) and not isinstance(n_jobs, bool) and n_jobs == -1:
        return None
    try:
        return whole(n_jobs, "n_jobs", 1)
    except InvalidOptionError:
        message = f"n_jobs must be None or -1 for all threads, or a whole number of at least 1, not {n_jobs!r}"
        raise make("invalid_option", message, column="n_jobs") from None


def whole_table(X: Any) -> Any:
    """Reads a pyarrow stream into a table, because a stream can be read only once. Any other X is returned as it is."""
    return X.read_all() if hasattr(X, "read_all") and hasattr(X, "read_next_batch") else X


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT, NA or masked."""
    if value is None or value is np.ma.masked:
        return True
    # For some missing values, such as `pandas.NA`, this comparison raises an error.
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def _first_missing(values: Iterable[Any]) -> int | None:
    return next((row for row, value in enumerate(values) if is_missing(value)), None)


def _listed(y: Any) -> Any:
    """Converts lists, and columns of frames, to a list of Python values, because numpy would convert the numbers of a
    mixed list to texts. Returns arrays unchanged."""
    if isinstance(y, np.ma.MaskedArray):
        return y.tolist() if np.ma.getmaskarray(y).any() else np.asarray(y)
    if isinstance(y, np.ndarray) and y.dtype.kind != "O":
        return y
    if getattr(y, "ndim", 1) != 1 or hasattr(y, "columns"):
        return np.asarray(y)
    if isinstance(getattr(y, "dtype", None), np.dtype) and y.dtype.kind in "biufMm":
        return np.asarray(y)
    for name in ("to_pylist", "to_list", "tolist"):
        if hasattr(y, name):
            return getattr(y, name)()
    return list(y) if isinstance(y, (list, tuple)) else np.asarray(y)


def labels(y: Any) -> npt.NDArray[Any]:
    """Converts ``y`` to an array with one label per row. Raises an error if a label is missing or if texts are mixed
    with other types."""
    if isinstance(y, (str, bytes, Mapping)):
        raise make("invalid_option", f"y must be a list or array of labels, not a {type(y).__name__}", column="y")
    listed = _listed(y)
    if isinstance(listed, list):
        if (row := _first_missing(listed)) is not None:
            raise make("invalid_option", f"Input y contains NaN or another missing value in row {row}.", row=row, column="y")
        texts = {isinstance(label, str) for label in listed}
        if len(texts) > 1:
            message = "Unknown label type: y mixes texts with labels of other types."
            raise make("invalid_option", message, column="y")
    try:
        found = np.asarray(listed)
    except ValueError as error:
        raise make("invalid_option", f"y should be a 1d array: {error}", column="y") from None
    if found.dtype.kind == "c":
        raise make("invalid_option", f"Complex data not supported\n{found}", column="y")
    if found.ndim == 2 and found.shape[1] == 1:
        message = (
            "A column-vector y was passed when a 1d array was expected. "
            "Please change the shape of y to (n_samples, ), for example using ravel()."
        )
        warnings.warn(message, _conversion_warning(), stacklevel=3)
        found = found.ravel()
    wrong: str | None = None
    row = None
    if found.ndim != 1:
        wrong = f"y should be a 1d array, got an array of shape {found.shape} instead."
    elif found.dtype.kind == "f":
        if np.isnan(found).any():
            row = int(np.isnan(found).argmax())
            wrong = f"Input y contains NaN in row {row}."
        elif np.isinf(found).any():
            row = int(np.isinf(found).argmax())
            wrong = f"Input y contains infinity in row {row}."
        elif (found != np.trunc(found)).any():
            wrong = (
                "Unknown label type: continuous. Maybe you are trying to fit a classifier, which expects discrete "
                "classes on a regression target with continuous values."
            )
    elif found.dtype.kind in "mM" and np.isnat(found).any():
        row = int(np.isnat(found).argmax())
        wrong = f"Input y contains missing values in row {row}."
    elif found.dtype.kind == "O":
        row = _first_missing(found.tolist())
        if row is not None:
            wrong = f"Input y contains missing values in row {row}."
        elif len({isinstance(label, str) for label in found.tolist()}) > 1:
            wrong = "Unknown label type: y mixes texts with labels of other types."
    if wrong is not None:
        raise make("invalid_option", wrong, row=row, column="y")
    return found


def classes_of(found: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Returns the sorted distinct labels, and for each row the position of its label in this list."""
    try:
        classes, codes = np.unique(found, return_inverse=True)
    except TypeError:
        raise make("invalid_option", "the labels in y cannot be compared with each other", column="y") from None
    return classes, codes.ravel()


def weights(given: Any, rows: int) -> npt.NDArray[np.float64] | None:
    """Converts sample weights to an array with one weight per row. Raises an error if a weight is negative, infinite or
    NaN."""
    if given is None:
        return None
    if np.isscalar(given):
        given = np.full(rows, given)
    if isinstance(given, np.ma.MaskedArray):
        given = np.ma.filled(given.astype(np.float64), np.nan)
    try:
        found = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise make("invalid_option", "sample_weight must be one number per row", column="sample_weight") from None
    if found.ndim != 1:
        raise make("invalid_option", "Sample weights must be 1D array or scalar", column="sample_weight")
    if len(found) != rows:
        message = f"sample_weight.shape == {found.shape}, expected ({rows},)!"
        raise make("invalid_option", message, column="sample_weight")
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        row = int(wrong.argmax())
        message = f"sample_weight must be finite and not negative: the weight of row {row} is {found[row]}"
        raise make("invalid_option", message, row=row, column="sample_weight")
    if rows and not found.any():
        raise make("invalid_option", "sample_weight: all weights are zero", column="sample_weight")
    return np.ascontiguousarray(found)


def class_weights(given: Any, classes: npt.NDArray[Any], y: npt.NDArray[Any] | None = None) -> str | list[float] | None:
    """Checks ``class_weight``. Returns None, ``"balanced"``, or a list with one weight per class."""
    if given is None or isinstance(given, str) and given == "balanced":
        return given
    if not isinstance(given, Mapping):
        message = f"class_weight must be None, 'balanced' or a dict from label to weight, not {given!r}"
        raise make("invalid_option", message, column="class_weight")
    known = classes.tolist()
    for label, weight in given.items():
        if label not in known:
            message = f"class_weight has the key {label!r}, which is not a label in y; the labels are {known}"
            raise make("invalid_option", message, column="class_weight")
        number(weight, "class_weight", least=0.0)
    found = [float(given.get(label, 1.0)) for label in known]
    if not any(found):
        raise make("invalid_option", "class_weight: the weights of all classes are zero", column="class_weight")
    return found


def groups(given: Any) -> npt.NDArray[np.uint32] | None:
    """Converts group labels to integer codes, one per row. The codes are numbered in order of first appearance."""
    if given is None:
        return None

    def refused(why: str, row: int | None = None) -> Exception:
        return make("invalid_option", f"groups must be one label per row: {why}", row=row, column="groups")

    if isinstance(given, (str, bytes, Mapping)) or getattr(given, "ndim", 1) != 1 or hasattr(given, "columns"):
        raise refused(f"{type(given).__name__} is not a list, array or series of labels")
    listed = next((name for name in ("to_pylist", "to_list", "tolist") if hasattr(given, name)), None)
    try:
        found = list(given) if listed is None else getattr(given, listed)()
    except TypeError:
        raise refused(f"{type(given).__name__} is not a list, array or series of labels") from None
    codes: dict[Any, int] = {}
    numbered = np.empty(len(found), dtype=np.uint32)
    for row, label in enumerate(found):
        try:
            numbered[row] = codes.setdefault(label, len(codes))
        except TypeError:
            raise refused(f"the label of row {row} is a {type(label).__name__}, which is not hashable", row) from None
        if is_missing(label):
            raise refused(f"the label of row {row} is missing", row)
    return numbered


def name_mismatch(known: list[str], given: list[str]) -> str | None:
    """Compares the column names of the table passed for prediction with those of the training data. Returns
    scikit-learn's message if the names differ, or None if they are equal."""
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


def check_names(estimator: Any, names: list[str] | None, stacklevel: int = 4) -> None:
    """Compares the column names of the table passed for prediction with those of the training data. Raises an error if
    the names differ. Warns if only one of the two tables has column names."""
    own, known = type(estimator).__name__, getattr(estimator, "feature_names_in_", None)
    if names is not None and known is not None:
        if (wrong := name_mismatch(list(known), names)) is not None:
            raise make("feature_mismatch", wrong)
    elif names is not None:
        message = f"X has feature names, but {own} was fitted without feature names"
        warnings.warn(message, UserWarning, stacklevel=stacklevel)
    elif known is not None:
        message = f"X does not have valid feature names, but {own} was fitted with feature names"
        warnings.warn(message, UserWarning, stacklevel=stacklevel)


def _conversion_warning() -> type[Warning]:
    try:
        from sklearn.exceptions import DataConversionWarning
    except ImportError:
        return UserWarning
    return DataConversionWarning  # type: ignore[no-any-return]


def not_fitted(name: str) -> Exception:
    """Makes the error of an estimator that is not fitted. If scikit-learn is installed, the error is also a
    NotFittedError."""
    message = f"This {name} instance is not fitted yet. Call 'fit' with appropriate arguments before using this estimator."
    try:
        from sklearn.exceptions import NotFittedError
    except ImportError:
        return make("invalid_option", message, column="fit")

    error: InvalidOptionError = type("NotFittedError", (InvalidOptionError, NotFittedError), {})(message)
    error.code, error.column = "invalid_option", "fit"
    return error
