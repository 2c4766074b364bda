"""The store for asyncio: the calls of `churn.Store` and its repositories, awaited.

They run on the store's own threads, so the event loop stays free. A call that is cancelled is given up: what it did not commit
is taken back.
"""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from . import _churn
from ._churn import ChurnModel, ScoreRun, TenantRecords
from .store import (
    ApiKey,
    Attestation,
    AuditPage,
    Company,
    RecordPage,
    RiskPage,
    RunId,
    RunSummary,
    ScoredOutcome,
    StoredModel,
    StoredOutcome,
    StoredScore,
    SyncCursor,
    Upserted,
    User,
)

if TYPE_CHECKING:
    from ._churn import _Dates, _Definition, _Moment, _OnInvalid, _Role, _Stage

__all__ = [
    "ApiKeyStore",
    "AuditStore",
    "CompanyStore",
    "CursorStore",
    "ModelStore",
    "OutcomeStore",
    "RecordStore",
    "ScoreStore",
    "Store",
    "TenantStore",
    "UserStore",
]


def _settle(future: asyncio.Future[Any], error: BaseException | None, value: Any) -> None:
    """Called on the event loop when the store has an answer."""
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


class _Part:
    """Wraps one of the classes of `churn.store` whose calls answer with a future."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __repr__(self) -> str:
        return repr(self._inner)


class RecordStore(_Part):
    """One table of a tenant's records; see `churn.store.RecordStore`."""

    async def upsert(self, rows: Any, *, on_invalid: _OnInvalid = "refuse") -> Upserted:
        """Takes a batch in one transaction."""
        found: Upserted = await self._inner.upsert(rows, on_invalid=on_invalid)
        return found

    async def upsert_batches(self, batches: Iterable[Any], *, on_invalid: _OnInvalid = "refuse") -> Upserted:
        """Takes a batch piece by piece in one transaction."""
        found: Upserted = await self._inner.upsert_batches(batches, on_invalid=on_invalid)
        return found

    async def count(self) -> int:
        """Number of rows, versions included."""
        found: int = await self._inner.count()
        return found

    async def page(self, after: int | None = None, limit: int = 1000) -> RecordPage:
        """Rows in the order in which they came in."""
        found: RecordPage = await self._inner.page(after, limit)
        return found

    async def of_customer(self, customer_id: str) -> list[dict[str, Any]]:
        """All rows of one customer as dicts."""
        found: list[dict[str, Any]] = await self._inner.of_customer(customer_id)
        return found


class ModelStore(_Part):
    """A tenant's models; see `churn.store.ModelStore`."""

    async def save(self, model: ChurnModel, *, at: _Moment, stage: _Stage = "champion") -> None:
        """Keeps a model."""
        await self._inner.save(model, at=at, stage=stage)

    async def load(self, model_id: str) -> ChurnModel:
        """Opens a model."""
        found: ChurnModel = await self._inner.load(model_id)
        return found

    async def champion(self) -> ChurnModel | None:
        """Opens the champion; None if there is none."""
        found: ChurnModel | None = await self._inner.champion()
        return found

    async def promote(self, model_id: str, stage: _Stage = "champion") -> None:
        """Gives a model another stage."""
        await self._inner.promote(model_id, stage)

    async def list(self) -> builtins.list[StoredModel]:
        """What is known of each model, last saved first."""
        found: builtins.list[StoredModel] = await self._inner.list()
        return found

    async def delete(self, model_id: str) -> None:
        """Deletes a model; its scores stay."""
        await self._inner.delete(model_id)


class ScoreStore(_Part):
    """A tenant's score runs; see `churn.store.ScoreStore`."""

    async def save(self, model: ChurnModel, run: ScoreRun, *, at: _Moment, reasons: int | None = 100) -> RunId:
        """Keeps a run with the reasons of the riskiest."""
        found: RunId = await self._inner.save(model, run, at=at, reasons=reasons)
        return found

    async def runs(self, limit: int = 100) -> list[RunSummary]:
        """The latest runs, last date first."""
        found: list[RunSummary] = await self._inner.runs(limit)
        return found

    async def high_risk(
        self,
        limit: int = 100,
        min_probability: float = 0.0,
        *,
        run: RunId | ScoreRun | None = None,
        after: tuple[float, str] | None = None,
    ) -> RiskPage:
        """The customers most likely to leave."""
        found: RiskPage = await self._inner.high_risk(limit, min_probability, run=run, after=after)
        return found

    async def history(self, customer_id: str, limit: int = 100) -> list[StoredScore]:
        """A customer's scores, last date first."""
        found: list[StoredScore] = await self._inner.history(customer_id, limit)
        return found

    async def delete(self, run: RunId | ScoreRun) -> None:
        """Deletes a run and its scores."""
        await self._inner.delete(run)


class OutcomeStore(_Part):
    """What became of customers who were scored; see `churn.store.OutcomeStore`."""

    async def save(
        self, records: TenantRecords, *, as_of: _Dates, definition: _Definition
    ) -> int:
        """Works out what became of the customers, and keeps it."""
        found: int = await self._inner.save(records, as_of=as_of, definition=definition)
        return found

    async def of_run(self, run: RunId | ScoreRun) -> list[ScoredOutcome]:
        """The scores of a run beside what came of them."""
        found: list[ScoredOutcome] = await self._inner.of_run(run)
        return found

    async def of_customer(self, customer_id: str) -> list[StoredOutcome]:
        """What became of a customer, last date first."""
        found: list[StoredOutcome] = await self._inner.of_customer(customer_id)
        return found


class CompanyStore(_Part):
    """The company itself; see `churn.store.CompanyStore`."""

    async def get(self) -> Company:
        """The company's name and settings."""
        found: Company = await self._inner.get()
        return found

    async def rename(self, name: str) -> None:
        """Names the company."""
        await self._inner.rename(name)

    async def set(self, setting: str, value: object) -> None:
        """Sets a setting."""
        await self._inner.set(setting, value)

    async def unset(self, setting: str) -> bool:
        """Forgets a setting; whether it was there."""
        found: bool = await self._inner.unset(setting)
        return found


class UserStore(_Part):
    """A tenant's users; see `churn.store.UserStore`."""

    async def upsert(self, user_id: str, email: str, *, role: _Role, name: str | None = None) -> None:
        """Adds a user, or replaces the one with this id."""
        await self._inner.upsert(user_id, email, role=role, name=name)

    async def get(self, user_id: str) -> User | None:
        """A user; None if there is none."""
        found: User | None = await self._inner.get(user_id)
        return found

    async def list(self) -> builtins.list[User]:
        """All users by id."""
        found: builtins.list[User] = await self._inner.list()
        return found

    async def remove(self, user_id: str) -> bool:
        """Removes a user; whether he was there."""
        found: bool = await self._inner.remove(user_id)
        return found


class ApiKeyStore(_Part):
    """Keys of programs; see `churn.store.ApiKeyStore`."""

    async def create(self, key_id: str, secret: str, *, role: _Role, at: _Moment) -> None:
        """Adds a key."""
        await self._inner.create(key_id, secret, role=role, at=at)

    async def verify(self, secret: str) -> ApiKey | None:
        """The key of a secret; None if there is none, or it was revoked."""
        found: ApiKey | None = await self._inner.verify(secret)
        return found

    async def list(self) -> builtins.list[ApiKey]:
        """All keys by id, revoked ones included."""
        found: builtins.list[ApiKey] = await self._inner.list()
        return found

    async def revoke(self, key_id: str, *, at: _Moment) -> None:
        """Revokes a key."""
        await self._inner.revoke(key_id, at=at)


class CursorStore(_Part):
    """How far each source was read; see `churn.store.CursorStore`."""

    async def get(self, source: str) -> SyncCursor | None:
        """How far a source was read; None if never."""
        found: SyncCursor | None = await self._inner.get(source)
        return found

    async def set(self, source: str, position: str, *, at: _Moment) -> None:
        """Notes how far a source was read."""
        await self._inner.set(source, position, at=at)


class AuditStore(_Part):
    """Who did what; see `churn.store.AuditStore`."""

    async def append(
        self, actor: str, action: str, *, at: _Moment, subject: str | None = None, details: object = None
    ) -> None:
        """Adds an entry."""
        await self._inner.append(actor, action, at=at, subject=subject, details=details)

    async def page(self, after: int | None = None, limit: int = 1000) -> AuditPage:
        """Entries, oldest first."""
        found: AuditPage = await self._inner.page(after, limit)
        return found


class TenantStore(_Part):
    """One tenant's records, models, scores and settings; see `churn.TenantStore`."""

    @property
    def tenant(self) -> str:
        """Whose part it is."""
        return str(self._inner.tenant)

    @property
    def customers(self) -> RecordStore:
        """Customers and their versions."""
        return RecordStore(self._inner.customers)

    @property
    def payments(self) -> RecordStore:
        """Payments."""
        return RecordStore(self._inner.payments)

    @property
    def tickets(self) -> RecordStore:
        """Support tickets."""
        return RecordStore(self._inner.tickets)

    @property
    def activities(self) -> RecordStore:
        """Activities."""
        return RecordStore(self._inner.activities)

    @property
    def models(self) -> ModelStore:
        """Models."""
        return ModelStore(self._inner.models)

    @property
    def scores(self) -> ScoreStore:
        """Score runs and scores."""
        return ScoreStore(self._inner.scores)

    @property
    def outcomes(self) -> OutcomeStore:
        """What became of customers who were scored."""
        return OutcomeStore(self._inner.outcomes)

    @property
    def company(self) -> CompanyStore:
        """The company itself: its name and settings."""
        return CompanyStore(self._inner.company)

    @property
    def users(self) -> UserStore:
        """Users."""
        return UserStore(self._inner.users)

    @property
    def api_keys(self) -> ApiKeyStore:
        """Keys of programs."""
        return ApiKeyStore(self._inner.api_keys)

    @property
    def cursors(self) -> CursorStore:
        """Where each source stands."""
        return CursorStore(self._inner.cursors)

    @property
    def audit(self) -> AuditStore:
        """Who did what."""
        return AuditStore(self._inner.audit)

    async def records(
        self,
        *,
        on_invalid: _OnInvalid = "refuse",
        observed_until: _Moment | None = None,
        observed_from: _Moment | None = None,
        static_attributes: Literal["all"] | Iterable[str] | None = None,
        currency: str | None = None,
        conversion_rates: Mapping[str, float] | None = None,
    ) -> TenantRecords:
        """All the tenant's records, of one moment."""
        found: TenantRecords = await self._inner.records(
            on_invalid=on_invalid,
            observed_until=observed_until,
            observed_from=observed_from,
            static_attributes=static_attributes,
            currency=currency,
            conversion_rates=conversion_rates,
        )
        return found

    async def erase_customer(self, customer_id: str) -> int:
        """Deletes all that is kept of one customer; returns how many rows were deleted."""
        found: int = await self._inner.erase_customer(customer_id)
        return found


class Store(_Part):
    """A database of many tenants; see `churn.Store`.

    >>> async def main():
    ...     async with await churn.aio.Store.open("sqlite::memory:") as store:
    ...         acme = store.tenant("acme")
    ...         await acme.customers.upsert(customers)
    ...         return await acme.records()
    >>> import asyncio
    >>> asyncio.run(main())
    <TenantRecords 'acme': customers=300>
    """

    @classmethod
    async def open(cls, url: str, migrate: bool = True) -> Store:
        """Opens a store; makes or updates its tables unless ``migrate=False``."""
        return cls(await _churn.open_awaited(url, migrate))

    async def migrate(self) -> None:
        """Makes or updates the tables."""
        await self._inner.migrate()

    async def version(self) -> int:
        """The version of the tables that are there."""
        found: int = await self._inner.version()
        return found

    async def grant_to(self, role: str) -> None:
        """Postgres: gives the role that serves what it needs, and no more."""
        await self._inner.grant_to(role)

    async def attest(self) -> Attestation:
        """Tries to get from one tenant to another in this database."""
        found: Attestation = await self._inner.attest()
        return found

    async def close(self) -> None:
        """Gives up all connections."""
        await self._inner.close()

    @property
    def backend(self) -> Literal["sqlite", "postgres"]:
        """``"sqlite"`` or ``"postgres"``."""
        found: Literal["sqlite", "postgres"] = self._inner.backend
        return found

    def tenant(self, tenant: str) -> TenantStore:
        """One tenant's part: the only way to data."""
        return TenantStore(self._inner.tenant(tenant))

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(self, *trace: object) -> None:
        await self.close()
