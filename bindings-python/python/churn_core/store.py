"""The parts of a tenant's store (`churn_core.TenantStore`), and the types of their results.

Timestamps are in UTC. The store reads no clock, so you pass the time of each event as ``at``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
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
    """The result of an upsert. ``rows_changed`` counts the rows that are new or that replaced a different stored row.
    ``report`` lists the issues of quarantined rows."""

    rows_in: int
    rows_accepted: int
    rows_changed: int
    report: ValidationReport


@dataclass(frozen=True)
class RecordPage:
    """A page of rows, as dicts in order of first arrival. A dict has no key for a column that was never given. To get
    the next page, pass ``next`` as the argument ``after``. On the last page, ``next`` is None."""

    rows: list[dict[str, Any]]
    next: int | None


@dataclass(frozen=True)
class CustomerPage:
    """Customers in their current version as dicts, sorted by id. Pass ``next`` as ``after`` for the next page; it is None on the
    last page."""

    customers: list[dict[str, Any]]
    next: str | None


@dataclass(frozen=True)
class StoredModel:
    """The metadata of a stored model. ``card`` has the model's definition of churn, its features and its training report."""

    id: str
    stage: _Stage
    saved_at: datetime
    card: dict[str, Any]


@dataclass(frozen=True)
class RunId:
    """Identifies a run by its date and model."""

    as_of: datetime
    model_id: str


@dataclass(frozen=True)
class StoredReason:
    """A stored reason for a score. ``value`` is the value of the feature: a number, a text, or None if it is missing.
    ``contribution`` is the number that the feature adds to the log-odds."""

    feature: str
    value: float | str | None
    contribution: float
    direction: Literal["raises", "lowers"]
    text: str


@dataclass(frozen=True)
class Interval:
    """An interval; both bounds are included."""

    low: float
    high: float


@dataclass(frozen=True)
class StoredScore:
    """The stored score of one customer.

    ``probability`` is None if the customer is not scored; ``not_scored_reason`` says why, and ``expected_at`` is the latest date on
    which the customer will have a score. ``value`` is the value of the customer and ``value_at_risk`` the probability times this
    value, if the run was saved with values. ``reasons`` are the stored reasons, largest
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
    """A summary of a run. ``purpose`` is ``"served"`` or ``"trial"``, ``bands`` counts customers by risk band, ``outcomes`` counts
    scored customers whose outcome is known, and ``churned`` those of them who churned."""

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
    """The position at which a page of scores ends: the value by which scores are sorted, and the id of the last customer."""

    key: float | None
    customer_id: str


@dataclass(frozen=True)
class ScorePage:
    """Scores of ``run`` in the requested order. Pass ``next`` as ``after`` for the next page; it is None on the last page. ``total``
    is the number of all customers that match, if it was requested."""

    run: RunId
    scores: list[StoredScore]
    next: ScoreCursor | None
    total: int | None


@dataclass(frozen=True)
class BandMove:
    """The number of customers with a risk band in each of two runs. None stands for customers who are not scored."""

    before: _RiskBand | None
    after: _RiskBand | None
    customers: int


@dataclass(frozen=True)
class ScoreChange:
    """The probability of a customer in two runs."""

    customer_id: str
    before: float
    after: float


@dataclass(frozen=True)
class RunChanges:
    """The changes between two runs. ``entered`` counts customers in the later run only, ``left`` customers in the earlier run only.
    ``largest`` has the largest changes of probability, largest first."""

    moves: list[BandMove]
    entered: int
    left: int
    largest: list[ScoreChange]


@dataclass(frozen=True)
class ScoredOutcome:
    """A stored probability of a customer, and whether the customer then churned."""

    customer_id: str
    probability: float
    churned: bool


@dataclass(frozen=True)
class StoredOutcome:
    """The outcome of a customer in the label period after ``as_of``. ``churned`` is None if the customer has no label
    at this date. ``rule`` is the rule that decided the outcome, as in `churn_core.Labels`. ``event_at`` is the time of
    the cancellation, or of the first event in the label period. It is None if there is neither."""

    customer_id: str
    as_of: datetime
    churned: bool | None
    rule: str
    event_at: datetime | None


@dataclass(frozen=True)
class Company:
    """A company: its name, if one was set, and its settings."""

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
    """An API key, without its secret. ``scopes`` is None if the key may do everything that its role may do. ``used_at`` is the time of
    the last use, to within a minute."""

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
    """How far a data source has been read. The store does not interpret ``position``."""

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
    """Entries in the requested order. Pass ``next`` as ``after`` for the next page; it is None on the last page."""

    entries: list[AuditEntry]
    next: int | None


@dataclass(frozen=True)
class ConnectionStatistics:
    """The numbers of connections that are idle, reading and writing."""

    idle: int
    reading: int
    writing: int


@dataclass(frozen=True)
class Check:
    """One check of an attestation. ``table`` is None if the check concerns the database or the role."""

    name: str
    table: str | None
    passed: bool
    detail: str


@dataclass(frozen=True)
class Attestation:
    """The result of `churn_core.Store.attest`. ``passed`` is true if every check passed. ``text`` is the printable report."""

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
        """Raises `churn_core.StoreError` (``not_isolated``) unless every check passed."""
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
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


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
