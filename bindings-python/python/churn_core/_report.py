"""Reports and options as typed Python objects.

Written by ``cargo run -p churn-tests --bin generate_types`` from the Rust types; changes here are lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, TypedDict

from ._report_mixins import EstimateMixin, MeasuresMixin, OutOfTimeMixin, TrainReportMixin


def _moment(text: str) -> datetime:
    """Reads an ISO-8601 date or date-time as a moment in UTC."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


def _text(at: datetime) -> str:
    """Writes a moment as the library does. Midnight UTC is written as a date without a time."""
    plain = at.astimezone(timezone.utc).replace(tzinfo=None)
    midnight = plain.replace(hour=0, minute=0, second=0, microsecond=0)
    return plain.date().isoformat() if plain == midnight else f"{plain.isoformat()}Z"


RiskBand = Literal["low", "medium", "high", "critical"]
"""A coarse class of risk. The band depends on the ratio of two odds: the customer's odds of churn, p / (1 - p) for
the probability p, and the overall odds of churn at the training dates.
"""


@dataclass(frozen=True)
class BandCalibration:
    """Mean predicted probability and observed churn rate in one risk band."""

    band: RiskBand
    """The risk band."""

    from_: float
    """The lowest probability that belongs to the band."""

    rows: int
    """Number of rows (customer-date pairs) whose probability is in the band."""

    churned: int
    """Number of rows whose probability is in the band and whose customer churned."""

    mean_probability: float | None
    """Mean predicted probability of the rows in the band; ``None`` if the band has no rows."""

    churn_rate: float | None
    """Observed churn rate of the rows in the band; ``None`` if the band has no rows."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> BandCalibration:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            band=given["band"],
            from_=given["from"],
            rows=given["rows"],
            churned=given["churned"],
            mean_probability=given["mean_probability"],
            churn_rate=given["churn_rate"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "band": self.band,
            "from": self.from_,
            "rows": self.rows,
            "churned": self.churned,
            "mean_probability": self.mean_probability,
            "churn_rate": self.churn_rate,
        }


@dataclass(frozen=True)
class CalibrationBin:
    """One bin of a calibration table: rows with similar predictions."""

    rows: float
    """Total weight of the rows in the bin. If all weights are 1, this is the number of rows."""

    mean_probability: float
    """Mean predicted probability of the rows in the bin."""

    churn_rate: float
    """Observed churn rate of the rows in the bin."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> CalibrationBin:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            rows=given["rows"],
            mean_probability=given["mean_probability"],
            churn_rate=given["churn_rate"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "rows": self.rows,
            "mean_probability": self.mean_probability,
            "churn_rate": self.churn_rate,
        }


@dataclass(frozen=True)
class ChurnRateAt:
    """The churn rate at a training date."""

    as_of: datetime
    """The training date. If each customer is used on one day of a span, this is the last day of the span."""

    first: datetime | None
    """The first day of the span that ends at ``as_of``, if each customer is used on one day of this span. ``None``
    if all customers are used at ``as_of``.
    """

    rows: int
    """Number of customers who are used at this training date."""

    churned: int
    """Number of customers who are used at this training date and churned in the label period after the date."""

    churn_rate: float
    """Observed churn rate at this training date: ``churned`` divided by ``rows``."""

    mean_probability: float
    """Mean predicted probability of churn. Each prediction comes from a model that was not fitted on the
    customer's rows (out-of-fold).
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ChurnRateAt:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            as_of=_moment(given["as_of"]),
            first=None if given["first"] is None else _moment(given["first"]),
            rows=given["rows"],
            churned=given["churned"],
            churn_rate=given["churn_rate"],
            mean_probability=given["mean_probability"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "as_of": _text(self.as_of),
            "first": None if self.first is None else _text(self.first),
            "rows": self.rows,
            "churned": self.churned,
            "churn_rate": self.churn_rate,
            "mean_probability": self.mean_probability,
        }


@dataclass(frozen=True)
class MemberReport:
    """A base learner (also called a member) of the ensemble."""

    name: str
    """The name of the base learner: ``"linear"``, ``"boosting"``, ``"deep_boosting"`` or ``"forest"``."""

    weight: float
    """The weight of the base learner. The ensemble adds up the log-odds of its base learners, each multiplied by
    its weight. The weights sum to 1.
    """

    log_loss: float
    """The out-of-fold log-loss of the base learner, before calibration. Each prediction for a customer (or group)
    comes from a base learner that was fitted without the rows of this customer (or group). Lower is better.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> MemberReport:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            name=given["name"],
            weight=given["weight"],
            log_loss=given["log_loss"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "name": self.name,
            "weight": self.weight,
            "log_loss": self.log_loss,
        }


@dataclass(frozen=True)
class ClassifierPart:
    """The ensemble that separates one class from all other classes."""

    class_: int
    """The code of the class, counted from 0."""

    members: list[MemberReport]
    """The members (base learners) of the ensemble, with their weights."""

    calibration: str
    """The calibration method: ``"intercept"``, ``"platt"``, ``"beta"`` or ``"isotonic"``."""

    log_loss: float
    """Out-of-fold log-loss of the calibrated predictions: each row is predicted by base learners that were fitted
    without this row. Lower is better.
    """

    roc_auc: float | None
    """Area under the ROC curve of the out-of-fold predictions: each row is predicted by base learners that were
    fitted without this row. Higher is better.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ClassifierPart:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            class_=given["class"],
            members=[MemberReport.from_dict(item) for item in given["members"]],
            calibration=given["calibration"],
            log_loss=given["log_loss"],
            roc_auc=given["roc_auc"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "class": self.class_,
            "members": [item.to_dict() for item in self.members],
            "calibration": self.calibration,
            "log_loss": self.log_loss,
            "roc_auc": self.roc_auc,
        }


@dataclass(frozen=True)
class DroppedMember:
    """A base learner that was requested but is not part of the ensemble."""

    name: str
    """The name of the base learner, as in ``MemberReport``."""

    reason: str
    """Why the base learner is not part of the ensemble."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> DroppedMember:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            name=given["name"],
            reason=given["reason"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "name": self.name,
            "reason": self.reason,
        }


Monotonicity = Literal["increasing", "decreasing"]
"""The direction in which the probability may change as a feature grows, if all other features stay equal."""

LeakageEvidence = Literal[
    "restates_label",
    "only_for_churned",
    "only_for_retained",
    "identifier",
    "reaches_into_label_period",
]
"""How a column leaks the target."""

LeakageAction = Literal["refused", "warned", "allowed"]
"""The action that training took in response to a finding."""


@dataclass(frozen=True)
class LeakageFinding:
    """A column that leaks the target, with the evidence."""

    column: str
    """The name of the column in the caller's data."""

    feature: str
    """The name of the feature that is computed from the column."""

    leak: LeakageEvidence
    """How the column leaks the target."""

    statistic: float
    """The test statistic, from 0 to 1. For ``"restates_label"`` and ``"reaches_into_label_period"``, the statistic
    is the fraction by which the column alone lowers the log-loss on held-out rows, compared with a prediction
    of the overall churn rate for every row. For the other kinds of leaks, the statistic is the fraction of rows
    that agree with the finding.
    """

    by_chance: float | None
    """A comparison with chance. For ``"restates_label"`` and ``"reaches_into_label_period"``, this is the largest
    statistic in tests with permuted labels. It may be negative. For the other kinds of leaks, this is the
    probability that permuted labels agree with the finding at least as well as the real labels. ``None`` if the
    test does not use labels.
    """

    evidence: str
    """The evidence for the leak, in English words."""

    action: LeakageAction
    """The action that training took in response to the finding."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> LeakageFinding:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            column=given["column"],
            feature=given["feature"],
            leak=given["leak"],
            statistic=given["statistic"],
            by_chance=given["by_chance"],
            evidence=given["evidence"],
            action=given["action"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "column": self.column,
            "feature": self.feature,
            "leak": self.leak,
            "statistic": self.statistic,
            "by_chance": self.by_chance,
            "evidence": self.evidence,
            "action": self.action,
        }


@dataclass(frozen=True)
class ColumnNote:
    """A note about a column of a flat table. The column may have been read differently than the caller intended."""

    column: str
    """The name of the column."""

    code: str
    """The code of the note: ``texts_as_numbers``, ``numbers_as_texts`` or ``empty_column``."""

    message: str
    """What was noticed, and what to do about it."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ColumnNote:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            column=given["column"],
            code=given["code"],
            message=given["message"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "column": self.column,
            "code": self.code,
            "message": self.message,
        }


@dataclass(frozen=True)
class ClassifierReport:
    """How a classifier was fitted and how well it performs. The report is part of the model file's metadata."""

    rows: int
    """Number of training rows. If a row with an integer weight was replaced by copies, each copy counts as a row."""

    rows_of_class: list[int]
    """Number of training rows of each class, in the order of the class codes."""

    groups: int | None
    """Number of groups. All rows of a group are in the same fold. If the caller gave no groups, every row is its
    own group. Groups that contain equal rows are merged. ``None`` if the model file was written by a version of
    the library that did not count groups.
    """

    parts: list[ClassifierPart]
    """The ensembles, one per class. With two classes, there is only the ensemble of the second class."""

    dropped_members: list[DroppedMember]
    """Members (base learners) that were requested but are not part of the ensemble, with the reason."""

    monotone_constraints: list[tuple[str, Monotonicity]]
    """The monotonic constraints. Each constraint is a column name and the direction in which the probability may
    change as the value grows.
    """

    leaks: list[LeakageFinding]
    """Columns that appear to leak the target but were used. A column leaks the target if it contains information
    that is not available at prediction time. Each listed column was used because the caller allowed it, or
    because the policy only warns.
    """

    column_notes: list[ColumnNote]
    """Columns that may not have been read as intended: texts that were read as numbers, numbers that were read as
    texts, and empty columns.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ClassifierReport:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            rows=given["rows"],
            rows_of_class=list(given["rows_of_class"]),
            groups=given["groups"],
            parts=[ClassifierPart.from_dict(item) for item in given["parts"]],
            dropped_members=[DroppedMember.from_dict(item) for item in given["dropped_members"]],
            monotone_constraints=[(item[0], item[1]) for item in given["monotone_constraints"]],
            leaks=[LeakageFinding.from_dict(item) for item in given["leaks"]],
            column_notes=[ColumnNote.from_dict(item) for item in given["column_notes"]],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "rows": self.rows,
            "rows_of_class": list(self.rows_of_class),
            "groups": self.groups,
            "parts": [item.to_dict() for item in self.parts],
            "dropped_members": [item.to_dict() for item in self.dropped_members],
            "monotone_constraints": [list(item) for item in self.monotone_constraints],
            "leaks": [item.to_dict() for item in self.leaks],
            "column_notes": [item.to_dict() for item in self.column_notes],
        }


@dataclass(frozen=True)
class Estimate(EstimateMixin):
    """A metric with its 90 % confidence interval. The interval comes from a bootstrap that resamples whole
    customers.
    """

    value: float
    """The value of the metric, computed from all rows."""

    low: float
    """The lower end of the interval."""

    high: float
    """The upper end of the interval."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Estimate:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            value=given["value"],
            low=given["low"],
            high=given["high"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
        }


FindingCode = Literal[
    "unused_column",
    "before_sign_up",
    "after_end",
    "far_date",
    "likely_duplicate",
    "gap_exceeds_horizon",
    "constant_column",
    "empty_column",
    "reactivated",
    "withdrawn",
    "no_subscription",
    "similar_column",
    "overlapping_spells",
    "known_late",
    "missing_status",
    "not_positive",
    "short_gap",
    "isolated_date",
    "missing_period",
    "early_date",
    "late_version",
    "scheduled_end",
    "late_notice",
    "late_end",
    "missing_settlement",
    "missing_id",
    "end_removed",
    "missing_column",
    "late_start",
    "conflicting_rows",
]
"""The code of a ``Finding``, which identifies its topic. The codes do not change between versions, and they are
the same in Rust, Python and Node.
"""


class GradientBoostingOptions(TypedDict, total=False):
    """Options of ``GradientBoosting``."""

    n_trees: int
    """Number of trees. Default: 200."""

    max_leaves: int
    """Maximum number of leaves of a tree. Default: 31."""

    max_depth: int
    """Maximum depth of a tree. Default: 64."""

    learning_rate: float
    """Learning rate (shrinkage), by which all leaf values are multiplied. Default: 0.1."""

    min_leaf_rows: int
    """Minimum number of training rows in a leaf. Default: 20."""

    min_leaf_hessian: float
    """Minimum Hessian of a leaf: the sum of the second derivatives of the log-loss over the rows in the leaf.
    Default: 0.001.
    """

    l1: float
    """L1 penalty on leaf values. The absolute value of a leaf's gradient (the sum of the first derivatives of the
    log-loss over its rows) is reduced by this number, but not below 0. Default: 0.
    """

    l2: float
    """L2 penalty on leaf values. A larger number makes the leaf values smaller. Default: 1."""

    colsample: float
    """Each tree uses a random sample of the columns. This number is the size of the sample as a fraction of all
    columns, above 0 and at most 1. Default: 1.
    """

    subsample: float
    """Each tree uses a random sample of the rows. This number is the size of the sample as a fraction of all rows,
    above 0 and at most 1. Default: 1.
    """

    max_bins: int
    """Maximum number of bins per column, from 2 to 255. A bin is a range of values that the search for splits does
    not divide. Default: 255.
    """

    monotone_constraints: list[int]
    """Monotonic constraints, one for each column. With 1, the log-odds never fall if the column grows and all
    other columns stay the same. With -1, the log-odds never rise. With 0, the column has no constraint. An
    empty list means that no column has a constraint. Default: empty.
    """

    seed: int
    """Seed of the random sampling of rows and columns. In ``EnsembleOptions``, this seed is ignored, and the seed
    of the whole training run is used instead. Default: 0.
    """


@dataclass(frozen=True)
class Interval:
    """A closed interval. The documentation of each function or field with an interval states what the interval
    means.
    """

    low: float
    """The lower end of the interval."""

    high: float
    """The upper end of the interval."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Interval:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            low=given["low"],
            high=given["high"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "low": self.low,
            "high": self.high,
        }


class LogisticOptions(TypedDict, total=False):
    """Options of ``Logistic``."""

    l2: float
    """Strength of the L2 penalty, which corresponds to ``1 / C`` in scikit-learn. The fit minimises the sum of the
    log-losses of all rows plus half of this number times the sum of the squared coefficients. The intercept is
    not penalised. Default: 1.
    """

    max_iterations: int
    """Maximum number of iterations. Default: 200."""

    tolerance: float
    """Tolerance of the fit. The fit ends when every component of the gradient, divided by the number of rows, is
    at most this number in absolute value. Default: 1e-8.
    """


@dataclass(frozen=True)
class Measures(MeasuresMixin):
    """Metrics of predictions. Each row was predicted by a model that was fitted without this row. A metric is
    ``None`` if it is undefined, for example because all rows have the same label.
    """

    rows: int
    """Number of rows (predictions)."""

    churned: int
    """Number of rows whose customer churned."""

    mean_probability: float
    """Mean predicted probability over all rows."""

    roc_auc: Estimate | None
    """Area under the ROC curve. Each churned row is paired with each retained row. The area is the share of pairs
    in which the churned row has the higher prediction. A pair with equal predictions counts half. Random
    predictions give 0.5, and a perfect ranking gives 1.
    """

    pr_auc: Estimate | None
    """Average precision, a summary of the precision-recall curve. Random predictions give about the churn rate,
    and a perfect ranking gives 1.
    """

    log_loss: Estimate | None
    """Mean negative log-likelihood of the labels, in nats. Lower is better."""

    brier: Estimate | None
    """Brier score: the mean squared difference between the predicted probability and the label (0 or 1). Lower is
    better.
    """

    calibration_error: Estimate | None
    """Expected calibration error. For each of ten bins of equal size, the absolute difference between the mean
    predicted probability and the observed churn rate is computed. The error is the mean of these differences.
    Lower is better. Sampling noise makes the error positive even if the predictions are calibrated. The
    interval is therefore a basic (reflected) bootstrap interval. The interval begins at 0 if sampling noise
    alone can explain an error of this size.
    """

    calibration_error_null_95: float | None
    """The calibration error that sampling noise alone can cause: the 95th percentile of the expected calibration
    error in simulations. In each simulation, every row churns with its predicted probability.
    """

    calibration_slope: Estimate | None
    """Slope of the logistic regression of labels on predicted log-odds. The slope is 1 if the predictions are
    calibrated, and below 1 if they are too extreme.
    """

    calibration_intercept: Estimate | None
    """Intercept of the logistic regression of labels on predicted log-odds. The intercept is 0 if the predictions
    are calibrated.
    """

    base_rate_shift: Estimate | None
    """The constant that must be added to all predicted log-odds so that the mean probability equals the churn
    rate. At a date later than the training dates, this constant measures how much the churn rate has drifted
    for reasons that the features do not show. Drift is reported if the confidence interval of the constant
    excludes 0. Predictions are not corrected for drift. ``None`` if the model was trained by a version of this
    library without this metric.
    """

    top_decile_lift: Estimate | None
    """Churn rate among the 10 % of rows with the highest scores, divided by the overall churn rate. Random scores
    give about 1.
    """

    calibration: list[CalibrationBin]
    """Calibration table: the mean predicted probability and the observed churn rate in ten bins of equal size,
    lowest predictions first.
    """

    not_measured_reason: str | None
    """Why the metrics of ranking and calibration are ``None`` although both labels occur. The reason is always
    that one label has too few customers for a reliable interval.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Measures:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            rows=given["rows"],
            churned=given["churned"],
            mean_probability=given["mean_probability"],
            roc_auc=None if given["roc_auc"] is None else Estimate.from_dict(given["roc_auc"]),
            pr_auc=None if given["pr_auc"] is None else Estimate.from_dict(given["pr_auc"]),
            log_loss=None if given["log_loss"] is None else Estimate.from_dict(given["log_loss"]),
            brier=None if given["brier"] is None else Estimate.from_dict(given["brier"]),
            calibration_error=None if given["calibration_error"] is None else Estimate.from_dict(given["calibration_error"]),
            calibration_error_null_95=given["calibration_error_null_95"],
            calibration_slope=None if given["calibration_slope"] is None else Estimate.from_dict(given["calibration_slope"]),
            calibration_intercept=None if given["calibration_intercept"] is None else Estimate.from_dict(given["calibration_intercept"]),
            base_rate_shift=None if given["base_rate_shift"] is None else Estimate.from_dict(given["base_rate_shift"]),
            top_decile_lift=None if given["top_decile_lift"] is None else Estimate.from_dict(given["top_decile_lift"]),
            calibration=[CalibrationBin.from_dict(item) for item in given["calibration"]],
            not_measured_reason=given["not_measured_reason"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "rows": self.rows,
            "churned": self.churned,
            "mean_probability": self.mean_probability,
            "roc_auc": None if self.roc_auc is None else self.roc_auc.to_dict(),
            "pr_auc": None if self.pr_auc is None else self.pr_auc.to_dict(),
            "log_loss": None if self.log_loss is None else self.log_loss.to_dict(),
            "brier": None if self.brier is None else self.brier.to_dict(),
            "calibration_error": None if self.calibration_error is None else self.calibration_error.to_dict(),
            "calibration_error_null_95": self.calibration_error_null_95,
            "calibration_slope": None if self.calibration_slope is None else self.calibration_slope.to_dict(),
            "calibration_intercept": None if self.calibration_intercept is None else self.calibration_intercept.to_dict(),
            "base_rate_shift": None if self.base_rate_shift is None else self.base_rate_shift.to_dict(),
            "top_decile_lift": None if self.top_decile_lift is None else self.top_decile_lift.to_dict(),
            "calibration": [item.to_dict() for item in self.calibration],
            "not_measured_reason": self.not_measured_reason,
        }


@dataclass(frozen=True)
class MeasuresByActivity:
    """Separate metrics for active and for inactive customers. A customer is active if they have an event in the
    ``horizon`` days before the test date. Only the table that defines inactivity is searched for such events.

    Inactive customers have in effect already churned, so their churn is easy to predict. The metrics over all
    customers are therefore too optimistic for the active customers. Only the active customers can still be
    retained.
    """

    active: Measures
    """Metrics for active customers, who have an event in the ``horizon`` days before the test date."""

    inactive: Measures
    """Metrics for inactive customers, who have no event in the ``horizon`` days before the test date."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> MeasuresByActivity:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            active=Measures.from_dict(given["active"]),
            inactive=Measures.from_dict(given["inactive"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "active": self.active.to_dict(),
            "inactive": self.inactive.to_dict(),
        }


@dataclass(frozen=True)
class PurgeProof:
    """Evidence that no label period of a training date overlaps the test period: ``last_label_end <= test_date``."""

    test_date: datetime
    """The test date. If there are several test dates, this is the earliest one."""

    last_training_date: datetime
    """The latest training date. If the model was trained on spans of days, this is the last day of the latest span."""

    last_label_end: datetime
    """The end of the label period of the latest training date."""

    embargo_days: int
    """The required minimum number of days between ``last_label_end`` and the test date."""

    purged_dates: list[datetime]
    """Dates that were not used for training (purged) because their label period, extended by the embargo, ends
    after the test date.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> PurgeProof:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            test_date=_moment(given["test_date"]),
            last_training_date=_moment(given["last_training_date"]),
            last_label_end=_moment(given["last_label_end"]),
            embargo_days=given["embargo_days"],
            purged_dates=[_moment(item) for item in given["purged_dates"]],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "test_date": _text(self.test_date),
            "last_training_date": _text(self.last_training_date),
            "last_label_end": _text(self.last_label_end),
            "embargo_days": self.embargo_days,
            "purged_dates": [_text(item) for item in self.purged_dates],
        }


@dataclass(frozen=True)
class Prediction:
    """One prediction of an out-of-time test, with the outcome."""

    customer_id: str
    """The id of the customer."""

    as_of: datetime
    """The date of the prediction."""

    probability: float
    """Predicted probability that the customer churns in the label period after the date."""

    churned: bool
    """Whether the customer churned in the label period after the date."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Prediction:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            customer_id=given["customer_id"],
            as_of=_moment(given["as_of"]),
            probability=given["probability"],
            churned=given["churned"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "customer_id": self.customer_id,
            "as_of": _text(self.as_of),
            "probability": self.probability,
            "churned": self.churned,
        }


@dataclass(frozen=True, repr=False)
class OutOfTime(OutOfTimeMixin):
    """The result of an out-of-time test: a model is trained on earlier dates and is tested on later dates. The
    label periods of all training dates end by the first test date.
    """

    test_date: datetime
    """The last test date."""

    test_dates: list[datetime]
    """All test dates, sorted. By default, the test dates are all days of a span that is half as long as a label
    period, and each customer is scored on one of these days. The metrics therefore do not depend on a single
    day of the billing cycle. The metrics include the predictions of all test dates. The list is empty if an
    earlier version of this library wrote the model file, because that version tested only ``test_date``.
    """

    training_dates: list[datetime]
    """The training dates of the tested model. The label periods of all training dates end by the first test date.
    If a training date stands for a span of days, each customer is used on one day of the span (see
    ``ChurnRateAt.first``), and this list contains the last day of the span.
    """

    unseen_customers: bool
    """Whether every customer was scored by a model that was not trained on any of that customer's rows."""

    proof: PurgeProof
    """Evidence that the label periods of all training dates end by the first test date."""

    measures: Measures
    """The metrics of the predictions at the test dates."""

    by_activity: MeasuresByActivity | None
    """Separate metrics for active and for inactive customers. A customer is active if they have an event in the
    ``horizon`` days before the test date. The field is ``None`` if churn is defined by cancellation, or if one
    of the two groups is empty. For example, every tested customer is active if ``active_within`` of the churn
    definition is at most the horizon. By default, ``active_within`` equals the horizon.
    """

    predictions: list[Prediction]
    """The predictions from which the measures were computed, for plots and custom metrics. Only the tests of a
    ``Backtest`` contain predictions. In the report of a model, the list is empty, which keeps the model file
    small.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> OutOfTime:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            test_date=_moment(given["test_date"]),
            test_dates=[_moment(item) for item in given["test_dates"]],
            training_dates=[_moment(item) for item in given["training_dates"]],
            unseen_customers=given["unseen_customers"],
            proof=PurgeProof.from_dict(given["proof"]),
            measures=Measures.from_dict(given["measures"]),
            by_activity=None if given["by_activity"] is None else MeasuresByActivity.from_dict(given["by_activity"]),
            predictions=[Prediction.from_dict(item) for item in given["predictions"]],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "test_date": _text(self.test_date),
            "test_dates": [_text(item) for item in self.test_dates],
            "training_dates": [_text(item) for item in self.training_dates],
            "unseen_customers": self.unseen_customers,
            "proof": self.proof.to_dict(),
            "measures": self.measures.to_dict(),
            "by_activity": None if self.by_activity is None else self.by_activity.to_dict(),
            "predictions": [item.to_dict() for item in self.predictions],
        }


class RandomForestOptions(TypedDict, total=False):
    """Options of ``RandomForest``."""

    n_trees: int
    """Number of trees. Default: 200."""

    max_depth: int
    """Maximum depth of a tree. Default: 12."""

    min_leaf_rows: int
    """Minimum number of bootstrap rows in a leaf. A row that was drawn several times counts several times.
    Default: 5.
    """

    colsample: float | None
    """Each split considers a random sample of the columns. This number is the size of the sample as a fraction of
    all columns, above 0 and at most 1. With ``None``, the size of the sample is the square root of the number
    of columns. Default: ``None``.
    """

    smoothing: float
    """Additive smoothing: the number of rows that are added to each leaf before the log-odds of the leaf are
    computed. The churn rate of the added rows is the overall churn rate. The number must be above 0, so that
    leaves with only one class have finite log-odds. A larger number moves the log-odds of small leaves closer
    to the log-odds of the overall churn rate. Default: 2.
    """

    max_bins: int
    """Maximum number of bins per column, from 2 to 255. A bin is a range of values that the search for splits does
    not divide. Default: 255.
    """

    seed: int
    """Seed of the random sampling of rows and columns. In ``EnsembleOptions``, this seed is ignored, and the seed
    of the whole training run is used instead. Default: 0.
    """


@dataclass(frozen=True)
class RiskBands:
    """The lowest probability of each risk band above ``low``."""

    medium: float
    """The lowest probability of the band ``medium``. All lower probabilities are in the band ``low``."""

    high: float
    """The lowest probability of the band ``high``."""

    critical: float
    """The lowest probability of the band ``critical``."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> RiskBands:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            medium=given["medium"],
            high=given["high"],
            critical=given["critical"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "medium": self.medium,
            "high": self.high,
            "critical": self.critical,
        }


WarningCode = Literal[
    "stale_data",
    "after_history",
    "level_outside_training",
    "features_outside_training",
    "missing_column",
    "currency_differs",
    "unused_column",
    "labels_disagree",
    "outcomes_seen_in_training",
    "gap_exceeds_horizon",
    "uniform_training_date",
    "unusual_training_date",
    "no_better_than_chance",
    "level_off",
    "too_few_of_a_class",
    "fewer_events",
    "silent_customers",
    "calendar_level",
]
"""The code of a ``Warning``, which identifies its topic. The codes do not change between versions, and they are
the same in Rust, Python and Node.
"""


@dataclass(frozen=True)
class Warning:
    """A problem in a training run or a score run that the user should check, although the work continues."""

    code: WarningCode
    """The topic of the warning."""

    message: str
    """The problem and what to do about it, in plain English."""

    columns: list[str]
    """The columns or features that the warning concerns; empty if there are none."""

    dates: list[datetime]
    """The dates that the warning concerns, sorted; empty if there are none."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Warning:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            code=given["code"],
            message=given["message"],
            columns=list(given["columns"]),
            dates=[_moment(item) for item in given["dates"]],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "code": self.code,
            "message": self.message,
            "columns": list(self.columns),
            "dates": [_text(item) for item in self.dates],
        }


@dataclass(frozen=True, repr=False)
class TrainReport(TrainReportMixin):
    """How a model was trained and how well it performs. The report is part of the model file's metadata."""

    training_dates: list[datetime]
    """The training dates of the final model. If a training date stands for a span of days, each customer is used
    on one day of the span (see ``ChurnRateAt.first``), and this list contains the last day of the span.
    """

    rows: int
    """Number of rows in the training set. Each row is a pair of a customer and a date."""

    churned: int
    """Number of training rows in which the customer churned in the label period after the date."""

    excluded: int
    """Number of customer-date pairs that were excluded, over all training and test dates. A pair is excluded if
    the customer churned between the date and the start of the label period. A pair is also excluded if the
    customer had churned before the date, but the churn was not known yet at the date.
    """

    subsampled: int
    """Number of customer-date pairs, over all training and test dates, that were not used because there were more
    than ``max_rows`` pairs.
    """

    observed_from: datetime | None
    """The start of the observed history, which is the period that the records cover."""

    observed_until: datetime | None
    """The end of the observed history, which is the period that the records cover."""

    dates: list[ChurnRateAt]
    """The observed churn rate and the mean predicted probability at each training date."""

    truncated_windows: list[int]
    """Lengths, in days, of the feature windows that are truncated at one or more training dates. A feature with a
    window uses only the records of the days in this window, which ends at the training date. A window is
    truncated if it begins before the observed history.
    """

    out_of_time: OutOfTime | None
    """The out-of-time test. The tested model is not the final model. The tested model was trained with the same
    options, but only on dates whose label periods end by the first test date. ``None`` if the history is too
    short for a test.
    """

    out_of_time_reason: str | None
    """Why there is no out-of-time test; ``None`` if there is one."""

    cross_validated: Measures
    """Metrics of out-of-fold predictions at the training dates: each prediction comes from a model that was not
    fitted on the customer's rows. If the causes or the rate of churn change over time, these metrics are too
    optimistic for future predictions.
    """

    members: list[MemberReport]
    """The base learners, with their weights."""

    dropped_members: list[DroppedMember]
    """Base learners that were requested but are not part of the ensemble, with the reason."""

    monotone_constraints: list[tuple[str, Monotonicity]]
    """The monotonic constraints. Each constraint is a feature name and the direction in which the probability may
    change as the feature grows.
    """

    calibration: str
    """The calibration method: ``"intercept"``, ``"platt"``, ``"beta"`` or ``"isotonic"``."""

    bands: list[BandCalibration]
    """Mean predicted probability and observed churn rate in each risk band. Each prediction comes from a model
    that was not fitted on the customer's rows (out-of-fold).
    """

    leaks: list[LeakageFinding]
    """Columns that appear to leak the target but were used. A column leaks the target if it contains information
    that is not available at prediction time. Each listed column was used because the caller allowed it, or
    because its leak is reported only as a warning.
    """

    warnings: list[Warning]
    """Warnings about the training dates, the churn definition or the metrics. Each warning says what to do about
    the problem.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> TrainReport:
        """Creates the object from a dict that `to_dict` returned."""
        return cls(
            training_dates=[_moment(item) for item in given["training_dates"]],
            rows=given["rows"],
            churned=given["churned"],
            excluded=given["excluded"],
            subsampled=given["subsampled"],
            observed_from=None if given["observed_from"] is None else _moment(given["observed_from"]),
            observed_until=None if given["observed_until"] is None else _moment(given["observed_until"]),
            dates=[ChurnRateAt.from_dict(item) for item in given["dates"]],
            truncated_windows=list(given["truncated_windows"]),
            out_of_time=None if given["out_of_time"] is None else OutOfTime.from_dict(given["out_of_time"]),
            out_of_time_reason=given["out_of_time_reason"],
            cross_validated=Measures.from_dict(given["cross_validated"]),
            members=[MemberReport.from_dict(item) for item in given["members"]],
            dropped_members=[DroppedMember.from_dict(item) for item in given["dropped_members"]],
            monotone_constraints=[(item[0], item[1]) for item in given["monotone_constraints"]],
            calibration=given["calibration"],
            bands=[BandCalibration.from_dict(item) for item in given["bands"]],
            leaks=[LeakageFinding.from_dict(item) for item in given["leaks"]],
            warnings=[Warning.from_dict(item) for item in given["warnings"]],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that ``json.dumps`` accepts."""
        return {
            "training_dates": [_text(item) for item in self.training_dates],
            "rows": self.rows,
            "churned": self.churned,
            "excluded": self.excluded,
            "subsampled": self.subsampled,
            "observed_from": None if self.observed_from is None else _text(self.observed_from),
            "observed_until": None if self.observed_until is None else _text(self.observed_until),
            "dates": [item.to_dict() for item in self.dates],
            "truncated_windows": list(self.truncated_windows),
            "out_of_time": None if self.out_of_time is None else self.out_of_time.to_dict(),
            "out_of_time_reason": self.out_of_time_reason,
            "cross_validated": self.cross_validated.to_dict(),
            "members": [item.to_dict() for item in self.members],
            "dropped_members": [item.to_dict() for item in self.dropped_members],
            "monotone_constraints": [list(item) for item in self.monotone_constraints],
            "calibration": self.calibration,
            "bands": [item.to_dict() for item in self.bands],
            "leaks": [item.to_dict() for item in self.leaks],
            "warnings": [item.to_dict() for item in self.warnings],
        }


def read(text: str) -> TrainReport:
    """Reads the JSON of a training report."""
    return TrainReport.from_dict(json.loads(text))


def read_folds(text: str) -> list[OutOfTime]:
    """Reads the JSON of a backtest's folds."""
    return [OutOfTime.from_dict(fold) for fold in json.loads(text)]


def read_classifier(text: str) -> ClassifierReport:
    """Reads the JSON of a classifier's report."""
    return ClassifierReport.from_dict(json.loads(text))
