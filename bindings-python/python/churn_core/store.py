"""The parts of a tenant's store (`churn_core.TenantStore`), and the types of their results.

Timestamps are in UTC. The store reads no clock, so you pass the current time as ``at``.
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
    UserStore,
    ValidationReport,
)

if TYPE_CHECKING:
    from ._churn_core import _Role, _Stage

__all__ = [
    "ApiKey",
    "ApiKeyStore",
    "Attestation",
    "AuditEntry",
    "AuditPage",
    "AuditStore",
    "Check",
    "Company",
    "CompanyStore",
    "CursorStore",
    "ModelStore",
    "OutcomeStore",
    "RecordPage",
    "RecordStore",
    "RiskPage",
    "RunId",
    "RunSummary",
    "ScoreStore",
    "ScoredOutcome",
    "Store",
    "StoredModel",
    "StoredOutcome",
    "StoredReason",
    "StoredScore",
    "SyncCursor",
    "TenantStore",
    "Upserted",
    "User",
    "UserStore",
]


@dataclass(frozen=True)
class Upserted:
    """The result of an upsert. ``rows_changed`` counts the rows that are new or that replaced a different stored row.
    ``report`` lists the issues of the quarantined rows (invalid rows that were left out)."""

    rows_in: int
    rows_accepted: int
    rows_changed: int
    report: ValidationReport


@dataclass(frozen=True)
class RecordPage:
    """A page of stored rows as dicts, in the order in which they were first stored. A dict has no key for a column that
    was never given. To get the next page, pass ``next`` as the argument ``after``. On the last page, ``next`` is
    None."""

    rows: list[dict[str, Any]]
    next: int | None


@dataclass(frozen=True)
class StoredModel:
    """The metadata of a stored model. ``card`` has the model's definition of churn, its features and its training report."""

    id: str
    stage: _Stage
    saved_at: datetime
    card: dict[str, Any]


@dataclass(frozen=True)
class RunId:
    """The id of a score run: the date of the run and the id of its model."""

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
class StoredScore:
    """The stored score of one customer. If ``status`` is ``"not_enough_evidence"``, then ``probability`` is None,
    ``evidence`` says why, and ``expected_at`` is the date by which the customer will have a probability. ``reasons``
    are the stored reasons, largest contribution first."""

    customer_id: str
    run: RunId
    probability: float | None
    risk_band: Literal["low", "medium", "high", "critical"] | None
    status: Literal["scored", "not_enough_evidence"]
    evidence: str | None
    expected_at: datetime | None
    reasons: list[StoredReason]


@dataclass(frozen=True)
class RunSummary:
    """A summary of a stored run. ``bands`` counts the customers in each risk band. ``outcomes`` counts the scored
    customers whose outcome is known. ``churned`` counts the customers with a known outcome who churned."""

    id: RunId
    saved_at: datetime
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
class ScoredOutcome:
    """A stored churn probability of a customer, and the outcome: whether the customer churned in the label period."""

    customer_id: str
    probability: float
    churned: bool


@dataclass(frozen=True)
class StoredOutcome:
    """The outcome of a customer in the label period after ``as_of``. ``churned`` is None if the customer has no label
    at this date. ``rule`` is the rule that decided the outcome, as in `churn_core.Labels`. ``event_at`` is the time of
    the cancellation, or of the first event in the label period. ``event_at`` is None if there is
    neither."""

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
    """A stored API key. The secret of the key is not stored."""

    key_id: str
    role: _Role
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class SyncCursor:
    """A sync cursor: how far a data source has been read. ``position`` is a text that the store does not interpret."""

    source: str
    position: str
    moved_at: datetime


@dataclass(frozen=True)
class AuditEntry:
    """An entry of the audit log: who did what, and when."""

    at: datetime
    actor: str
    action: str
    subject: str | None
    details: Any


@dataclass(frozen=True)
class AuditPage:
    """A page of audit entries, oldest first. To get the next page, pass ``next`` as the argument ``after``. On the last
    page, ``next`` is None."""

    entries: list[AuditEntry]
    next: int | None


@dataclass(frozen=True)
class Check:
    """One check of an attestation, which verifies tenant isolation. ``table`` is None if the check concerns the
    database or the role."""

    name: str
    table: str | None
    passed: bool
    detail: str


@dataclass(frozen=True)
class Attestation:
    """The result of `churn_core.Store.attest`, which verifies tenant isolation. ``passed`` is true if every check
    passed. ``text`` is the printable report."""

    passed: bool
    backend: Literal["sqlite", "postgres"]
    role: str
    schema: int
    library: str
    checks: list[Check]
    fingerprint: str
    text: str

    def sign_off(self) -> None:
        """Raises `churn_core.StoreError` (``not_isolated``) if a check failed."""
        if not self.passed:
            raise _errors.make("not_isolated", self.text)

    def __str__(self) -> str:
        return self.text


_MOMENTS = {"as_of", "saved_at", "expected_at", "event_at", "created_at", "revoked_at", "moved_at", "at"}
_PARTS: dict[str, Any] = {
    "run": RunId, "reasons": StoredReason, "scores": StoredScore, "entries": AuditEntry, "checks": Check
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
