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
    """Writes a moment as the library does: a date alone for midnight UTC."""
    plain = at.astimezone(timezone.utc).replace(tzinfo=None)
    midnight = plain.replace(hour=0, minute=0, second=0, microsecond=0)
    return plain.date().isoformat() if plain == midnight else f"{plain.isoformat()}Z"


RiskBand = Literal["low", "medium", "high", "critical"]
"""A coarse class of risk. It depends on how the odds of churn compare with the overall odds at the training dates."""


@dataclass(frozen=True)
class BandCalibration:
    """Mean predicted probability and observed churn rate in one risk band."""

    band: RiskBand
    """The risk band."""

    from_: float
    """The lowest probability of the band."""

    rows: int
    """Number of rows in the band."""

    churned: int
    """Number of rows that churned."""

    mean_probability: float | None
    """Mean predicted probability; ``None`` if the band has no rows."""

    churn_rate: float | None
    """Observed churn rate; ``None`` if the band has no rows."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> BandCalibration:
        """Reads what `to_dict` writes."""
        return cls(
            band=given["band"],
            from_=given["from"],
            rows=given["rows"],
            churned=given["churned"],
            mean_probability=given["mean_probability"],
            churn_rate=given["churn_rate"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
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
    """Total weight of the rows in the bin, which is their number if all weights are 1."""

    mean_probability: float
    """Mean predicted probability."""

    churn_rate: float
    """Observed churn rate."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> CalibrationBin:
        """Reads what `to_dict` writes."""
        return cls(
            rows=given["rows"],
            mean_probability=given["mean_probability"],
            churn_rate=given["churn_rate"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
        return {
            "rows": self.rows,
            "mean_probability": self.mean_probability,
            "churn_rate": self.churn_rate,
        }


@dataclass(frozen=True)
class ChurnRateAt:
    """The churn rate at a training date."""

    as_of: datetime
    """The training date."""

    first: datetime | None
    """The first day of the span that ends at ``as_of``, if each customer is used on one day of a span. ``None`` if
    all customers are used at ``as_of``.
    """

    rows: int
    """Number of customers."""

    churned: int
    """Number of customers who churned."""

    churn_rate: float
    """Observed churn rate."""

    mean_probability: float
    """Mean out-of-fold probability."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ChurnRateAt:
        """Reads what `to_dict` writes."""
        return cls(
            as_of=_moment(given["as_of"]),
            first=None if given["first"] is None else _moment(given["first"]),
            rows=given["rows"],
            churned=given["churned"],
            churn_rate=given["churn_rate"],
            mean_probability=given["mean_probability"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
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
    """A base learner of the ensemble."""

    name: str
    """``"linear"``, ``"boosting"``, ``"deep_boosting"`` or ``"forest"``."""

    weight: float
    """The weight of the base learner in the blend of log-odds."""

    log_loss: float
    """The out-of-fold log-loss of the base learner, before calibration."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> MemberReport:
        """Reads what `to_dict` writes."""
        return cls(
            name=given["name"],
            weight=given["weight"],
            log_loss=given["log_loss"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
        return {
            "name": self.name,
            "weight": self.weight,
            "log_loss": self.log_loss,
        }


@dataclass(frozen=True)
class ClassifierPart:
    """The ensemble that separates one class from all other classes."""

    class_: int
    """The code of the class."""

    members: list[MemberReport]
    """The members, with their weights."""

    calibration: str
    """The calibration method: ``"intercept"``, ``"platt"``, ``"beta"`` or ``"isotonic"``."""

    log_loss: float
    """Log-loss of the calibrated blend on out-of-fold predictions."""

    roc_auc: float | None
    """Area under the ROC curve of out-of-fold predictions."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ClassifierPart:
        """Reads what `to_dict` writes."""
        return cls(
            class_=given["class"],
            members=[MemberReport.from_dict(item) for item in given["members"]],
            calibration=given["calibration"],
            log_loss=given["log_loss"],
            roc_auc=given["roc_auc"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
        return {
            "class": self.class_,
            "members": [item.to_dict() for item in self.members],
            "calibration": self.calibration,
            "log_loss": self.log_loss,
            "roc_auc": self.roc_auc,
        }


@dataclass(frozen=True)
class DroppedMember:
    """A base learner that was requested but dropped."""

    name: str
    """The name of the member, as in ``MemberReport``."""

    reason: str
    """Why the member was dropped."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> DroppedMember:
        """Reads what `to_dict` writes."""
        return cls(
            name=given["name"],
            reason=given["reason"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
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
    """The column as the caller named it."""

    feature: str
    """The feature that is computed from the column."""

    leak: LeakageEvidence
    """How the column leaks the target."""

    statistic: float
    """The test statistic, from 0 to 1. For ``"restates_label"`` and ``"reaches_into_label_period"``, it is the
    fraction of the log-loss that the column alone removes on held-out rows. For the other kinds, it is the
    fraction of rows that agree with the finding.
    """

    by_chance: float | None
    """What chance alone would give. If the statistic is a fraction of the log-loss, this is the largest statistic
    in a permutation test. It may be negative. If the statistic is a fraction of rows, this is the probability
    that permuted labels agree with the finding equally well. ``None`` if the test does not use labels.
    """

    evidence: str
    """The evidence in words."""

    action: LeakageAction
    """The action that training took."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> LeakageFinding:
        """Reads what `to_dict` writes."""
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
        """Returns a dict whose values have only types that JSON has."""
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
    """A note about a column of a flat table that may have been read differently than the caller intended."""

    column: str
    """The name of the column."""

    code: str
    """The code of the note: ``texts_as_numbers``, ``numbers_as_texts`` or ``empty_column``."""

    message: str
    """What was noticed, and what to do about it."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ColumnNote:
        """Reads what `to_dict` writes."""
        return cls(
            column=given["column"],
            code=given["code"],
            message=given["message"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
        return {
            "column": self.column,
            "code": self.code,
            "message": self.message,
        }


@dataclass(frozen=True)
class ClassifierReport:
    """How a classifier was fitted and how well it performs. The report is part of the model file's metadata."""

    rows: int
    """Number of training rows. A row that was replaced by copies because of an integer weight counts once per copy."""

    rows_of_class: list[int]
    """Number of training rows of each class, in the order of the class codes."""

    groups: int | None
    """Number of groups. All rows of a group are in the same fold. The groups are the given groups or, if none were
    given, the single rows. Groups that contain equal rows are merged. ``None`` if the file was written by a
    version that did not count groups.
    """

    parts: list[ClassifierPart]
    """The ensembles, one per class. With two classes, there is only the ensemble of the second class."""

    dropped_members: list[DroppedMember]
    """Members that were requested but are not part of the ensemble."""

    monotone_constraints: list[tuple[str, Monotonicity]]
    """The monotonic constraints, by column."""

    leaks: list[LeakageFinding]
    """Columns that appear to leak the target but were used, either because the caller allowed them or because the
    policy only warns.
    """

    column_notes: list[ColumnNote]
    """Columns that may not have been read as intended: texts that were read as numbers, numbers that were read as
    texts, and empty columns.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ClassifierReport:
        """Reads what `to_dict` writes."""
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
        """Returns a dict whose values have only types that JSON has."""
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
    """A metric with its 90 % confidence interval, from a bootstrap that resamples whole customers."""

    value: float
    """The metric on all rows."""

    low: float
    """The lower end."""

    high: float
    """The upper end."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Estimate:
        """Reads what `to_dict` writes."""
        return cls(
            value=given["value"],
            low=given["low"],
            high=given["high"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
        }


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
    """Minimum number of rows in a leaf. Default: 20."""

    min_leaf_hessian: float
    """Minimum sum of the second derivatives (Hessian) of the rows in a leaf. Default: 0.001."""

    l1: float
    """L1 penalty on leaf values. The sum of the first derivatives of each leaf is soft-thresholded by this number.
    Default: 0.
    """

    l2: float
    """L2 penalty on leaf values. Default: 1."""

    colsample: float
    """Fraction of the columns that are sampled for each tree, above 0 and at most 1. Default: 1."""

    subsample: float
    """Fraction of the rows that are sampled for each tree, above 0 and at most 1. Default: 1."""

    max_bins: int
    """Maximum number of bins per column, 2 to 255. Default: 255."""

    monotone_constraints: list[int]
    """Monotonic constraints, one for each column. With 1, the log-odds never fall if the column grows and all
    other columns stay the same. With -1, the log-odds never rise. With 0, the column has no constraint. An
    empty list means that no column has a constraint. Default: empty.
    """

    seed: int
    """Seed of the sampling of rows and columns. As a part of ``EnsembleOptions``, this seed is ignored, and the
    seed of the training is used instead. Default: 0.
    """


@dataclass(frozen=True)
class Interval:
    """A closed interval. The documentation of each function or field with an interval states what the interval
    means.
    """

    low: float
    """The lower end."""

    high: float
    """The upper end."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Interval:
        """Reads what `to_dict` writes."""
        return cls(
            low=given["low"],
            high=given["high"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
        return {
            "low": self.low,
            "high": self.high,
        }


class LogisticOptions(TypedDict, total=False):
    """Options of ``Logistic``."""

    l2: float
    """Strength of the L2 penalty, which corresponds to ``1 / C`` in scikit-learn. The objective is the sum of
    log-losses plus half of this number times the sum of squared coefficients. The intercept is not penalised.
    Default: 1.
    """

    max_iterations: int
    """Maximum number of iterations. Default: 200."""

    tolerance: float
    """Tolerance of the fit. The fit has converged if every component of the mean gradient is at most this number
    in absolute value. Default: 1e-8.
    """


@dataclass(frozen=True)
class Measures(MeasuresMixin):
    """Metrics of predictions for rows that the base learners were not fitted on. A metric is ``None`` if it is
    undefined, for example because all rows have the same label.
    """

    rows: int
    """Number of rows."""

    churned: int
    """Number of rows that churned."""

    mean_probability: float
    """Mean predicted probability."""

    roc_auc: Estimate | None
    """Area under the ROC curve. A pair of rows with equal predictions counts half."""

    pr_auc: Estimate | None
    """Average precision."""

    log_loss: Estimate | None
    """Mean negative log-likelihood."""

    brier: Estimate | None
    """Mean squared error of the probability."""

    calibration_error: Estimate | None
    """Expected calibration error over ten bins of equal size. Sampling noise makes the error positive even if the
    predictions are calibrated. The interval is therefore a basic (reflected) bootstrap interval. The interval
    begins at 0 if sampling noise alone can explain an error of this size.
    """

    calibration_error_null_95: float | None
    """The calibration error that sampling noise alone can cause: the 95th percentile of the expected calibration
    error in simulations in which these predictions are calibrated.
    """

    calibration_slope: Estimate | None
    """Slope of the logistic regression of labels on predicted log-odds. A slope below 1 means that the predictions
    are too extreme.
    """

    calibration_intercept: Estimate | None
    """Intercept of the logistic regression of labels on predicted log-odds."""

    base_rate_shift: Estimate | None
    """The constant that must be added to all predicted log-odds so that the mean probability equals the churn
    rate. At a date later than the training dates, it measures drift of the churn rate that the features do not
    explain. Drift is reported if the interval excludes 0. Predictions are not corrected for drift. ``None`` for
    models trained by versions without this metric.
    """

    top_decile_lift: Estimate | None
    """Churn rate among the 10 % of rows with the highest scores, divided by the overall churn rate."""

    calibration: list[CalibrationBin]
    """Calibration table: mean predicted probability and observed churn rate in ten bins of equal size."""

    not_measured_reason: str | None
    """Why the metrics of ranking and calibration are ``None`` although both labels occur: one label has too few
    customers for a reliable interval.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Measures:
        """Reads what `to_dict` writes."""
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
        """Returns a dict whose values have only types that JSON has."""
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
    """Separate measures for active and inactive customers. A customer is active if they have an event in the
    ``horizon`` days before the test date. Only events of the table that defines inactivity count.

    Inactive customers have in effect already churned, so their churn is easy to predict. The measures over all
    customers are therefore better than the measures over the active customers, who can still be retained.
    """

    active: Measures
    """Measures for customers with an event in the ``horizon`` days before the test date."""

    inactive: Measures
    """Measures for customers without such an event."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> MeasuresByActivity:
        """Reads what `to_dict` writes."""
        return cls(
            active=Measures.from_dict(given["active"]),
            inactive=Measures.from_dict(given["inactive"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
        return {
            "active": self.active.to_dict(),
            "inactive": self.inactive.to_dict(),
        }


@dataclass(frozen=True)
class PurgeProof:
    """Evidence that no training label overlaps the test period: ``last_label_end <= test_date``."""

    test_date: datetime
    """The test date. If there are several, the earliest one."""

    last_training_date: datetime
    """The last training date."""

    last_label_end: datetime
    """The end of the label period of the last training date."""

    embargo_days: int
    """The required minimum number of days between the end of the last training label period and the test date."""

    purged_dates: list[datetime]
    """Dates that were not used for training (purged) because their label period plus the embargo ends after the
    test date.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> PurgeProof:
        """Reads what `to_dict` writes."""
        return cls(
            test_date=_moment(given["test_date"]),
            last_training_date=_moment(given["last_training_date"]),
            last_label_end=_moment(given["last_label_end"]),
            embargo_days=given["embargo_days"],
            purged_dates=[_moment(item) for item in given["purged_dates"]],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
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
    """The customer."""

    as_of: datetime
    """The prediction time."""

    probability: float
    """Predicted probability of churn."""

    churned: bool
    """Whether the customer churned in the label period."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Prediction:
        """Reads what `to_dict` writes."""
        return cls(
            customer_id=given["customer_id"],
            as_of=_moment(given["as_of"]),
            probability=given["probability"],
            churned=given["churned"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
        return {
            "customer_id": self.customer_id,
            "as_of": _text(self.as_of),
            "probability": self.probability,
            "churned": self.churned,
        }


@dataclass(frozen=True, repr=False)
class OutOfTime(OutOfTimeMixin):
    """The result of an out-of-time test. The test dates lie after the label periods of all training dates."""

    test_date: datetime
    """The last test date."""

    test_dates: list[datetime]
    """All test dates, sorted. By default, the test dates are the days of half a label period, and each customer is
    scored on one of these days. The result therefore does not depend on a single day of the billing cycle. The
    measures include the predictions of all test dates. The list is empty in model files of earlier versions,
    which tested only ``test_date``.
    """

    training_dates: list[datetime]
    """The training dates of the tested model. Their label periods all end by the first test date. A training date
    can be a span of days in which each customer is used on one day (see ``ChurnRateAt.first``). The list then
    contains the last day of the span.
    """

    unseen_customers: bool
    """Whether every customer was scored by a model that was not trained on any of that customer's rows."""

    proof: PurgeProof
    """Evidence that no training label overlaps the test period."""

    measures: Measures
    """The metrics of the predictions."""

    by_activity: MeasuresByActivity | None
    """Separate measures for active and inactive customers. ``None`` if churn is defined by cancellation. Also
    ``None`` if ``active_within`` of the churn definition is at most the horizon (by default, they are equal),
    because then every tested customer is active.
    """

    predictions: list[Prediction]
    """The predictions from which the measures were computed, for plots and custom metrics. Only the tests of a
    ``Backtest`` contain them. In the report of a model, the list is empty, because the report is stored in the
    model file.
    """

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> OutOfTime:
        """Reads what `to_dict` writes."""
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
        """Returns a dict whose values have only types that JSON has."""
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
    """Minimum number of bootstrap rows in a leaf. Default: 5."""

    colsample: float | None
    """Fraction of the columns that are sampled for each split, above 0 and at most 1. With ``None``, the number of
    sampled columns is the square root of the number of columns. Default: ``None``.
    """

    smoothing: float
    """Additive smoothing. Before the log-odds of a leaf are computed, this number of rows with the overall churn
    rate is added to the leaf. The number must be above 0, so that leaves with only one class have finite
    log-odds. A larger number moves the log-odds of small leaves closer to the log-odds of the overall churn
    rate. Default: 2.
    """

    max_bins: int
    """Maximum number of bins per column, 2 to 255. Default: 255."""

    seed: int
    """Seed of the sampling of rows and columns. As a part of ``EnsembleOptions``, this seed is ignored, and the
    seed of the training is used instead. Default: 0.
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
        """Reads what `to_dict` writes."""
        return cls(
            medium=given["medium"],
            high=given["high"],
            critical=given["critical"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
        return {
            "medium": self.medium,
            "high": self.high,
            "critical": self.critical,
        }


WarningCode = Literal[
    "stale_data",
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
]
"""The topic of a ``Warning``. Each code is stable and the same in all languages."""


@dataclass(frozen=True)
class Warning:
    """A problem in a training or a score run that the user should check, although the work continues."""

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
        """Reads what `to_dict` writes."""
        return cls(
            code=given["code"],
            message=given["message"],
            columns=list(given["columns"]),
            dates=[_moment(item) for item in given["dates"]],
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns a dict whose values have only types that JSON has."""
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
    """The training dates of the final model. A training date can be a span of days in which each customer is used
    on one day (see ``ChurnRateAt.first``). The list then contains the last day of the span.
    """

    rows: int
    """Number of customer-date pairs in the training set."""

    churned: int
    """Number of these pairs in which the customer churned."""

    excluded: int
    """Number of excluded pairs, over all training and test dates. A pair is excluded if the customer churned
    between the date and the start of the label period. It is also excluded if the customer had churned before
    the date, but this was not known yet at the date.
    """

    subsampled: int
    """Number of pairs, over all training and test dates, that were not used because there were more than
    ``max_rows`` pairs.
    """

    observed_from: datetime | None
    """The start of the observed history."""

    observed_until: datetime | None
    """The end of the observed history."""

    dates: list[ChurnRateAt]
    """The observed churn rate and the mean prediction at each training date."""

    truncated_windows: list[int]
    """Lengths, in days, of the windows that begin before the observed history at some training date and are
    therefore truncated.
    """

    out_of_time: OutOfTime | None
    """The out-of-time test of another model, which was trained in the same way on earlier dates. ``None`` if the
    history is too short for a test.
    """

    out_of_time_reason: str | None
    """Why there is no out-of-time test; ``None`` if there is one."""

    cross_validated: Measures
    """Metrics of out-of-fold predictions at the training dates. If the causes or the rate of churn change over
    time, these metrics are better than the metrics of future predictions.
    """

    members: list[MemberReport]
    """The base learners, with their weights."""

    dropped_members: list[DroppedMember]
    """Base learners that were requested but dropped."""

    monotone_constraints: list[tuple[str, Monotonicity]]
    """The monotonic constraints, by feature."""

    calibration: str
    """The calibration method: ``"intercept"``, ``"platt"``, ``"beta"`` or ``"isotonic"``."""

    bands: list[BandCalibration]
    """Mean predicted probability and observed churn rate in each risk band, from out-of-fold predictions."""

    leaks: list[LeakageFinding]
    """Columns that appear to leak the target but were used, either because the caller allowed them or because
    their finding is only a warning.
    """

    warnings: list[Warning]
    """Problems with the training dates, the definition or the measures, and what to do about them."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> TrainReport:
        """Reads what `to_dict` writes."""
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
        """Returns a dict whose values have only types that JSON has."""
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
