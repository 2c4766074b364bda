"""What training found out, as the model file tells it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """A figure with its 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CalibrationBin:
    """Rows of neighbouring predictions."""

    rows: float
    mean_probability: float
    churn_rate: float


@dataclass(frozen=True)
class Measures:
    """What predictions were worth on rows that no part of the model had seen; None where a figure is not defined."""

    rows: int
    churned: int
    mean_probability: float
    roc_auc: Estimate | None
    pr_auc: Estimate | None
    log_loss: Estimate | None
    brier: Estimate | None
    calibration_error: Estimate | None
    calibration_error_null_95: float | None
    calibration_slope: Estimate | None
    calibration_intercept: Estimate | None
    top_decile_lift: Estimate | None
    base_rate_shift: Estimate | None
    """What had to be added to the predicted log-odds for their mean to be the churn rate; None of older models."""
    calibration: list[CalibrationBin]

    def _rows(self) -> str:
        """The figures as rows of an HTML table, with their intervals."""
        names = ("roc_auc", "pr_auc", "log_loss", "brier", "calibration_error", "top_decile_lift")
        figures = ((name.replace("_", " "), getattr(self, name)) for name in names)
        return "".join(
            f"<tr><th>{name}</th><td>{found.value:.3f}</td><td>{found.low:.3f} to {found.high:.3f}</td></tr>"
            for name, found in figures
            if found is not None
        )


@dataclass(frozen=True)
class ChurnRateAt:
    """The churn rate at a training date."""

    as_of: datetime
    rows: int
    churned: int
    churn_rate: float
    mean_probability: float


@dataclass(frozen=True)
class DroppedMember:
    """A member that was asked for and does not take part, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class PurgeProof:
    """Shows that no training label could see the test period: ``last_label_end <= test_date``."""

    test_date: datetime
    last_training_date: datetime
    last_label_end: datetime
    embargo_days: int
    purged_dates: list[datetime]


@dataclass(frozen=True)
class OutOfTime:
    """A test at a date later than every training label."""

    test_date: datetime
    training_dates: list[datetime]
    unseen_customers: bool
    proof: PurgeProof
    measures: Measures


@dataclass(frozen=True)
class MemberReport:
    """A member of the ensemble with its weight in the blend."""

    name: str
    weight: float
    log_loss: float


@dataclass(frozen=True)
class BandCalibration:
    """Predicted against observed in one risk band, of customers held out; rates are None without rows."""

    band: str
    from_: float
    rows: int
    churned: int
    mean_probability: float | None
    churn_rate: float | None


@dataclass(frozen=True)
class LeakageFinding:
    """A column that seems to know the label, with the evidence; ``action`` is ``"warned"`` or ``"allowed"``."""

    column: str
    feature: str
    leak: str
    statistic: float
    by_chance: float | None
    evidence: str
    action: str


@dataclass(frozen=True)
class TrainReport:
    """How a model was trained and what it is worth."""

    training_dates: list[datetime]
    rows: int
    churned: int
    excluded: int
    left_out: int
    observed_from: datetime | None
    observed_until: datetime | None
    truncated_windows: list[int]
    out_of_time: OutOfTime | None
    out_of_time_reason: str | None
    cross_validated: Measures
    members: list[MemberReport]
    calibration: str
    bands: list[BandCalibration]
    leaks: list[LeakageFinding]
    dates: list[ChurnRateAt]
    """The churn rate at each training date, beside what the features explain of it."""
    dropped_members: list[DroppedMember]
    monotone_constraints: list[list[str]]
    """Features with which the probability may only rise (``"raises"``) or only fall (``"lowers"``)."""

    def __repr__(self) -> str:
        test = self.out_of_time
        tested = f"out of time at {test.test_date:%Y-%m-%d}" if test else "held-out customers"
        auc = (test.measures if test else self.cross_validated).roc_auc
        shown = "not defined" if auc is None else f"{auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})"
        return f"<TrainReport: {self.rows} rows, {self.churned} churned; AUC {shown}, {tested}>"

    def _repr_html_(self) -> str:
        test = self.out_of_time
        title = f"out of time, {test.test_date:%Y-%m-%d}" if test else "customers held out in turn"
        return (
            f"<b>{self.rows} rows, {self.churned} churned</b>"
            f"<table><tr><th colspan=3>{title}</th></tr>{(test.measures if test else self.cross_validated)._rows()}</table>"
        )


_NESTED: dict[str, Any] = {"proof": PurgeProof, "out_of_time": OutOfTime, "measures": Measures, "cross_validated": Measures}
_LISTED: dict[str, Any] = {
    "members": MemberReport,
    "calibration": CalibrationBin,
    "bands": BandCalibration,
    "leaks": LeakageFinding,
    "dates": ChurnRateAt,
    "dropped_members": DroppedMember,
}
_MOMENTS = {
    "as_of",
    "test_date",
    "last_training_date",
    "last_label_end",
    "purged_dates",
    "training_dates",
    "observed_from",
    "observed_until",
}
_ESTIMATES = {
    "roc_auc",
    "pr_auc",
    "log_loss",
    "brier",
    "calibration_error",
    "calibration_slope",
    "calibration_intercept",
    "top_decile_lift",
    "base_rate_shift",
}


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


def _build(kind: Any, values: dict[str, Any]) -> Any:
    def field(name: str, value: Any) -> Any:
        if name in _MOMENTS and value is not None:
            return [_moment(text) for text in value] if isinstance(value, list) else _moment(value)
        if isinstance(value, dict):
            return _build(Estimate if name in _ESTIMATES else _NESTED[name], value)
        if isinstance(value, list) and name in _LISTED:
            return [_build(_LISTED[name], item) for item in value]
        return value

    known = kind.__dataclass_fields__
    if kind is BandCalibration:
        values = {("from_" if name == "from" else name): value for name, value in values.items()}
    return kind(**{name: field(name, value) for name, value in values.items() if name in known})


def read_folds(text: str) -> list[OutOfTime]:
    return [_build(OutOfTime, fold) for fold in json.loads(text)]


def read(text: str) -> TrainReport:
    report: TrainReport = _build(TrainReport, json.loads(text))
    return report
