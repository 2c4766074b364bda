"""Scores, reasons and explanations: values that can be compared, pickled and converted to JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ._errors import make
from ._report import FindingCode, Interval, RiskBand, Warning


def plain(value: Any) -> Any:
    """Converts a value to one that JSON can represent. Dataclasses become dicts, timestamps become ISO texts, and NaN
    becomes None."""
    if is_dataclass(value) and not isinstance(value, type):
        own = {part.name.rstrip("_"): plain(getattr(value, part.name)) for part in fields(value) if part.repr}
        return own
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value != value:
        return None
    return value


class ToDict:
    """Adds `to_dict` to a dataclass."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts. Timestamps become ISO texts."""
        found: dict[str, Any] = plain(self)
        return found


@dataclass(frozen=True, slots=True)
class Reason(ToDict):
    """A reason for a score: the contribution of one feature to the score."""

    #: Name of the feature.
    feature: str
    #: The feature's value: a number, a text, or None if the value is missing.
    value: float | str | None
    #: Shapley value of the feature: its contribution to the score in log-odds, before calibration.
    contribution: float
    #: Whether the feature ``"raises"`` or ``"lowers"`` the risk.
    direction: Literal["raises", "lowers"]
    #: The reason as a sentence.
    text: str

    def __repr__(self) -> str:
        return f"<Reason {self.contribution:+.3f} {self.text}>"


@dataclass(frozen=True, slots=True)
class Score(ToDict):
    """The score of one customer.

    >>> score = run.riskiest(1)[0]
    >>> score.interval.low <= score.probability <= score.interval.high
    True
    >>> sorted(score.to_dict())[:3]
    ['as_of', 'customer_id', 'expected_at']
    """

    #: The customer's id.
    customer_id: str
    #: Calibrated probability that the customer churns in the label period (the ``horizon`` days for which churn is
    #: predicted). None if the customer is not scored.
    probability: float | None
    #: 90 % confidence interval for the churn rate of customers with this score. The interval comes from a bootstrap of
    #: the calibration. It contains the probability, and does not include model uncertainty. None if the customer is
    #: not scored.
    interval: Interval | None
    #: Risk band of the probability: low, medium, high or critical. None if the customer is not scored.
    risk_band: RiskBand | None
    #: ``"scored"`` or ``"not_enough_evidence"``. A customer without enough evidence has no probability.
    status: Literal["scored", "not_enough_evidence"]
    #: Why the customer is not scored, in words. None if the customer is scored.
    not_scored_reason: str | None
    #: The date by which the customer will have a probability if they stay. None if the customer is scored.
    expected_at: datetime | None
    #: The date of the prediction, in UTC.
    as_of: datetime
    #: Id of the model.
    model_id: str
    #: The features with the largest contributions. Only `ChurnModel.score_customer` fills this list.
    reasons: list[Reason] = field(default_factory=list)
    #: Warnings about missing columns (the model uses them) and about unknown columns (the model does not use them). In
    #: both cases, the name of a column may be misspelt. Only `ChurnModel.score_customer` fills this list.
    #: `ScoreRun.warnings` has the warnings of a run.
    warnings: list[Warning] = field(default_factory=list)

    def __repr__(self) -> str:
        if self.probability is None:
            return f"<Score {self.customer_id!r}: {self.status}>"
        return f"<Score {self.customer_id!r}: {self.probability:.4f} {self.risk_band}>"


class Explanation:
    """Shapley values: the contribution of every feature to the score of every row.

    ``base_values + values.sum(axis=1)`` is the model's output before calibration, in log-odds. The attributes have the
    same names as those of ``shap.Explanation``. The plots of the shap package accept this object:
    ``shap.plots.beeswarm(explanation)``. In ``explanation[rows, features]``, ``rows`` selects rows, and ``features``
    selects features by position or name.

    Attributes:
        values: Contributions, as a float64 array of shape (rows, features), or of shape (features,) for a single row.
        base_values: The output of the model before any feature contributes: one number per row, or a single number for
            a single row.
        data: Values of the features, as an array with the shape of ``values``.
        feature_names: Names of the features.

    >>> explanation = model.explain(model.features(records, "2024-03-01"))
    >>> explanation.values.shape == explanation.data.shape == explanation.shape
    True
    >>> explanation[0].values.shape, explanation[:5, "customer_tenure_days"].values.shape
    ((118,), (5,))
    """

    values: npt.NDArray[np.float64]
    base_values: npt.NDArray[np.float64] | float
    data: npt.NDArray[Any] | Any
    feature_names: list[str] | str

    def __init__(
        self,
        values: npt.NDArray[np.float64],
        base_values: npt.NDArray[np.float64] | float,
        data: npt.NDArray[Any] | Any = None,
        feature_names: list[str] | str | None = None,
    ) -> None:
        self.values = np.asarray(values, dtype=np.float64)
        self.base_values = base_values
        self.data = data
        if feature_names is None:
            feature_names = [f"x{column}" for column in range(self.values.shape[-1] if self.values.ndim else 1)]
        self.feature_names = feature_names

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of ``values``."""
        return self.values.shape

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, key: Any) -> Explanation:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if self.values.ndim == 1:
            # For a single row, the key selects features.
            rows, columns = None, key
        names = self.feature_names if isinstance(self.feature_names, list) else [self.feature_names]

        def position(name: Any) -> Any:
            if isinstance(name, str):
                if name not in names:
                    raise make("unknown_feature", f"there is no feature {name!r}", column=name)
                return names.index(name)
            return [position(one) for one in name] if isinstance(name, list) else name

        columns = position(columns)
        chosen = np.array(names, dtype=object)[columns]
        feature_names = chosen if isinstance(chosen, str) else list(chosen)
        if rows is None:
            data = None if self.data is None else np.asarray(self.data)[columns]
            return Explanation(self.values[columns], self.base_values, data, feature_names)
        base: Any = np.asarray(self.base_values)
        base = base[rows] if base.ndim else self.base_values
        values, data = self.values[rows], None if self.data is None else np.asarray(self.data)[rows]
        return Explanation(
            values[..., columns],
            float(base) if np.ndim(base) == 0 else base,
            None if data is None else data[..., columns],
            feature_names,
        )

    def to_shap(self) -> Any:
        """Converts the explanation to a ``shap.Explanation``. This requires the shap package."""
        import shap

        return shap.Explanation(
            values=self.values, base_values=self.base_values, data=self.data, feature_names=self.feature_names
        )

    @property
    def __class__(self) -> Any:
        # The plots of shap check `isinstance(explanation, shap.Explanation)`. If shap is loaded, this property makes
        # the check succeed for this object.
        shap = sys.modules.get("shap")
        known = getattr(shap, "Explanation", None)
        return type(self) if known is None else known

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise TypeError("the class of an Explanation cannot be changed")

    def __getattr__(self, name: str) -> Any:
        # If shap is loaded, attributes that only `shap.Explanation` has (abs, mean, cohorts, …) are read from the
        # object that `to_shap` returns.
        if name.startswith("__") or "shap" not in sys.modules or "values" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.to_shap(), name)

    def __reduce__(self) -> tuple[Callable[..., Explanation], tuple[Any, ...]]:
        return Explanation, (self.values, self.base_values, self.data, self.feature_names)

    def __repr__(self) -> str:
        count = len(self.feature_names) if isinstance(self.feature_names, list) else 1
        base = float(np.mean(self.base_values))
        rows = f"{len(self)} rows, " if self.values.ndim > 1 else ""
        return f"<Explanation: {rows}{count} features, base value {base:+.3f}>"


@dataclass(frozen=True, slots=True)
class Finding(ToDict):
    """A likely mistake in valid records, and how to correct the mistake."""

    #: Stable code, such as ``"unused_column"`` or ``"far_date"``.
    code: FindingCode
    #: The name of the table.
    table: Literal["customers", "payments", "tickets", "activities"]
    #: The name of the column. None if the finding concerns whole rows.
    column: str | None
    #: Number of affected rows.
    rows: int
    #: 0-based positions of the first affected rows, at most five.
    examples: list[int]
    #: What was found, and how to correct it.
    message: str


class Column(NamedTuple):
    """A column that the library recognizes in a table."""

    #: The name of the column.
    name: str
    #: The type of the values: ``"id"``, ``"timestamp"``, ``"number"`` or ``"text"``.
    type: Literal["id", "timestamp", "number", "text"]
    #: Whether the column is required and must not have missing values.
    required: bool
    #: The meaning of the column.
    meaning: str


class Columns(tuple[Column, ...]):
    """The columns that the library recognizes in a table: a tuple of `Column`."""

    __slots__ = ()

    def to_pandas(self) -> Any:
        """Returns a pandas frame with one row for each `Column`."""
        import pandas as pd

        return pd.DataFrame(list(self), columns=Column._fields)

    def __str__(self) -> str:
        width = max(len(column.name) for column in self)
        lines = (
            f"{column.name:<{width}}  {column.type:<9}  {'required' if column.required else '':<8}  {column.meaning}"
            for column in self
        )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{column.name}</th><td>{column.type}</td><td>{'yes' if column.required else ''}</td>"
            f"<td>{column.meaning}</td></tr>"
            for column in self
        )
        return f"<table><tr><th>column</th><th>type</th><th>required</th><th>meaning</th></tr>{rows}</table>"


for _kind in (Reason, Score, Explanation, Finding, Column, Columns):
    _kind.__module__ = "churn_core"
