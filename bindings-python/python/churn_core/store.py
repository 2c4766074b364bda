"""The parts of a tenant's store (`churn_core.TenantStore`), and the types of their results.

Timestamps are in UTC. The store reads no clock, so you pass the current time as ``at``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from . import _errors
from ._churn_core import (
    ApiKeyStore,
    AuditStore,
    CompanyStore,
    CursorStore,
    ModelStore,
    OutcomeStore,
    RecordStore,
    ScoreStore,
    Store,
    TenantStore,
    TenantTransaction,
    UserStore,
    ValidationReport,
)

if TYPE_CHECKING:
    from ._churn_core import _Purpose, _RiskBand, _Role, _Stage

__all__ = [
    "ApiKey",
    "ApiKeyStore",
    "Attestation",
    "AuditEntry",
    "AuditPage",
    "AuditStore",
    "BandMove",
    "Check",
    "Company",
    "CompanyStore",
    "ConnectionStatistics",
    "CursorStore",
    "CustomerPage",
    "Interval",
    "ModelStore",
    "OutcomeStore",
    "RecordPage",
    "RecordStore",
    "RiskPage",
    "RunChanges",
    "RunId",
    "RunSummary",
    "ScoreChange",
    "ScoreCursor",
    "ScorePage",
    "ScoreStore",
    "ScoredOutcome",
    "Store",
    "StoredModel",
    "StoredOutcome",
    "StoredReason",
    "StoredScore",
    "SyncCursor",
    "TenantStore",
    "TenantTransaction",
    "Upserted",
    "User",
    "UserStore",
]


@dataclass(frozen=True)
class Upserted:
    """The result of an upsert. ``rows_changed`` is the number of rows that are new or that replaced a different stored
    row. ``report`` lists the issues of the quarantined rows. A quarantined row is an invalid row that is left out."""

    rows_in: int
    rows_accepted: int
    rows_changed: int
    report: ValidationReport


@dataclass(frozen=True)
class RecordPage:
    """A page of rows as dicts, in the order in which the rows were first stored. The dicts have a key for
    each column that any upsert has contained. To get the next page, pass ``next`` as the argument ``after``. On the
    last page, ``next`` is None."""

    rows: list[dict[str, Any]]
    next: int | None


@dataclass(frozen=True)
class CustomerPage:
    """A page of customers as dicts, sorted by id. Each dict is the current version (dated row) of the customer. To get
    the next page, pass ``next`` as the argument ``after``. On the last page, ``next`` is None."""

    customers: list[dict[str, Any]]
    next: str | None


@dataclass(frozen=True)
class StoredModel:
    """The metadata of a stored model. ``card`` contains the model's definition of churn, its features and its training
    report."""

    id: str
    stage: _Stage
    saved_at: datetime
    card: dict[str, Any]


@dataclass(frozen=True)
class RunId:
    """Identifies a score run by its date and its model."""

    as_of: datetime
    model_id: str


@dataclass(frozen=True)
class StoredReason:
    """A stored reason: a feature that raises or lowers a customer's score. ``value`` is the value of the feature: a
    number, a text, or None if the value is missing. ``contribution`` is the number that the feature adds to the
    log-odds of churn. ``text`` is the reason in words."""

    feature: str
    value: float | str | None
    contribution: float
    direction: Literal["raises", "lowers"]
    text: str


@dataclass(frozen=True)
class Interval:
    """An interval from ``low`` to ``high``. Both bounds belong to the interval."""

    low: float
    high: float


@dataclass(frozen=True)
class StoredScore:
    """The stored score of one customer.

    ``probability`` is None if the customer is not scored. In this case, ``not_scored_reason`` says why, and
    ``expected_at`` is the date by which the customer will have a probability if they stay. ``value`` is the value of
    the customer, such as their yearly revenue, and ``value_at_risk`` is the probability times ``value``. ``value``
    and ``value_at_risk`` are None if the run was saved without values. ``reasons`` are the stored reasons, largest
    contribution first.
    """

    customer_id: str
    run: RunId
    probability: float | None
    interval: Interval | None
    risk_band: _RiskBand | None
    status: Literal["scored", "not_enough_evidence"]
    not_scored_reason: str | None
    expected_at: datetime | None
    value: float | None
    value_at_risk: float | None
    reasons: list[StoredReason]


@dataclass(frozen=True)
class RunSummary:
    """A summary of a score run.

    ``purpose`` is ``"served"`` if the run is shown to users, and ``"trial"`` if it is for a comparison. ``bands`` is the
    number of customers in each risk band. ``outcomes`` is the number of scored customers whose outcome (whether they
    churned) is known, and ``churned`` is the number of these customers who churned.
    """

    id: RunId
    saved_at: datetime
    purpose: _Purpose
    customers: int
    scored: int
    mean_probability: float | None
    bands: dict[str, int]
    outcomes: int
    churned: int


@dataclass(frozen=True)
class RiskPage:
    """A page of customers in order of decreasing probability. To get the next page, pass ``next`` as the argument
    ``after``. On the last page, ``next`` is None."""

    scores: list[StoredScore]
    next: tuple[float, str] | None


@dataclass(frozen=True)
class ScoreCursor:
    """The position at which a page of scores ends. ``customer_id`` is the id of the last customer of the page. ``key``
    is the number by which the page is sorted: this customer's probability or value at risk."""

    key: float | None
    customer_id: str


@dataclass(frozen=True)
class ScorePage:
    """A page of the scores of ``run``, in the requested order. To get the next page, pass ``next`` as the argument
    ``after``. On the last page, ``next`` is None. ``total`` is the number of all customers that match the query. It is
    None if the query did not ask for the total."""

    run: RunId
    scores: list[StoredScore]
    next: ScoreCursor | None
    total: int | None


@dataclass(frozen=True)
class BandMove:
    """The number of customers who have the risk band ``before`` in the earlier run and ``after`` in the later run.
    ``before`` is None for customers who are not scored in the earlier run, and ``after`` is None for customers who are
    not scored in the later run."""

    before: _RiskBand | None
    after: _RiskBand | None
    customers: int


@dataclass(frozen=True)
class ScoreChange:
    """The probability of a customer in the earlier run (``before``) and in the later run (``after``)."""

    customer_id: str
    before: float
    after: float


@dataclass(frozen=True)
class RunChanges:
    """The changes from one run to a later run. ``moves`` has the number of customers for each pair of risk bands (the
    bands in the two runs). ``entered`` is the number of customers who are only in the later run. ``left`` is the number
    of customers who are only in the earlier run. ``largest`` lists the largest changes of probability, largest
    first."""

    moves: list[BandMove]
    entered: int
    left: int
    largest: list[ScoreChange]


@dataclass(frozen=True)
class ScoredOutcome:
    """The probability of a customer in a past run, and whether the customer then churned."""

    customer_id: str
    probability: float
    churned: bool


@dataclass(frozen=True)
class StoredOutcome:
    """The outcome of a customer: whether they churned in the label period (the period after ``as_of`` during which
    churn is counted). ``churned`` is None if the customer has no label at ``as_of``. ``rule`` is the name of the rule
    that determined the outcome, as in `churn_core.Labels`. ``event_at`` is the time of the cancellation, or of the
    first event in the label period. ``event_at`` is None if there is neither a cancellation nor an event."""

    customer_id: str
    as_of: datetime
    churned: bool | None
    rule: str
    event_at: datetime | None


@dataclass(frozen=True)
class Company:
    """The name of a tenant's company (None if none was set), and the settings of the company."""

    name: str | None
    settings: dict[str, Any]


@dataclass(frozen=True)
class User:
    """A user of the tenant."""

    user_id: str
    email: str
    name: str | None
    role: _Role


@dataclass(frozen=True)
class ApiKey:
    """An API key without its secret. ``scopes`` are the names of the actions that the key is limited to. If
    ``scopes`` is None, the key may do everything that its role may do. ``used_at`` is the time of the last use,
    accurate to a minute."""

    key_id: str
    role: _Role
    label: str | None
    scopes: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class SyncCursor:
    """A sync cursor: ``position`` says how far a data source has been read. The application chooses the format of
    ``position``."""

    source: str
    position: str
    moved_at: datetime


@dataclass(frozen=True)
class AuditEntry:
    """An entry of the audit log."""

    at: datetime
    actor: str
    action: str
    subject: str | None
    details: Any


@dataclass(frozen=True)
class AuditPage:
    """A page of entries of the audit log, in the requested order. To get the next page, pass ``next`` as the argument
    ``after``. On the last page, ``next`` is None."""

    entries: list[AuditEntry]
    next: int | None


@dataclass(frozen=True)
class ConnectionStatistics:
    """How many connections are idle, how many are reading, and how many are writing."""

    idle: int
    reading: int
    writing: int


@dataclass(frozen=True)
class Check:
    """The result of one check of tenant isolation. ``table`` is None if the check concerns the database or the role."""

    name: str
    table: str | None
    passed: bool
    detail: str


@dataclass(frozen=True)
class Attestation:
    """The result of `churn_core.Store.attest`. ``passed`` is true if every check passed. ``text`` is the report as a
    text that can be printed."""

    passed: bool
    backend: Literal["sqlite", "postgres"]
    role: str
    schema: int
    library: str
    checks: list[Check]
    not_examined: list[str]
    fingerprint: str
    text: str

    def sign_off(self) -> None:
        """Raises a `churn_core.StoreError` with the code ``not_isolated`` unless every check passed."""
        if not self.passed:
            raise _errors.make("not_isolated", self.text)

    def __str__(self) -> str:
        return self.text


_MOMENTS = {"as_of", "saved_at", "expected_at", "event_at", "created_at", "expires_at", "used_at", "revoked_at", "moved_at", "at"}
_PARTS: dict[str, Any] = {
    "run": RunId, "interval": Interval, "reasons": StoredReason, "scores": StoredScore, "entries": AuditEntry, "checks": Check,
    "moves": BandMove, "largest": ScoreChange,
}  # fmt: skip
_NAMES = ("low", "medium", "high", "critical")


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _build(kind: Any, values: Any) -> Any:
    if values is None:
        return None
    if isinstance(values, list):
        return [_build(kind, value) for value in values]
    if kind is RunSummary:
        outcomes, churned = values["outcomes"]
        bands = dict(zip(_NAMES, values["bands"], strict=True))
        run = _build(RunId, values["id"])
        values = {**values, "id": run, "bands": bands, "outcomes": outcomes, "churned": churned}
    if kind is RiskPage and values["next"] is not None:
        values["next"] = tuple(values["next"])
    if kind is ScorePage:
        values["next"] = _build(ScoreCursor, values["next"])
    if kind is BandMove:
        values = {"before": values["from"], "after": values["to"], "customers": values["customers"]}
    if kind is Attestation:
        values = {**values["report"], "passed": values["passed"], "text": values["text"]}

    def field(name: str, value: Any) -> Any:
        if name in _MOMENTS and isinstance(value, str):
            return _moment(value)
        return _build(_PARTS[name], value) if name in _PARTS else value

    return kind(**{name: field(name, value) for name, value in values.items()})


def _read(kind: str, text: str) -> Any:
    return _build(globals()[kind], json.loads(text))


def __dir__() -> list[str]:
    return sorted(__all__)
