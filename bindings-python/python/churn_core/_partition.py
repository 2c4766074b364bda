"""Splits tables of many tenants, and lists the columns that the library recognizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from . import _churn_core as _core
from ._churn_core import TenantRecords, ValidationReport
from ._results import Column, Columns

if TYPE_CHECKING:
    from ._churn_core import _Moment


class Partition(dict[str, TenantRecords]):
    """A dict from tenant id to the records of the tenant.

    Attributes:
        unassigned: Report on the rows without a tenant. A row number in this report is the 0-based position of the row
            in the input table.
        positions: The positions of each tenant's rows in the input tables. ``positions[tenant][table]`` is the list of
            the 0-based positions of one tenant's rows in one table.
    """

    unassigned: ValidationReport
    positions: dict[str, dict[str, list[int]]]


def partition(
    customers: Any,
    payments: Any = None,
    tickets: Any = None,
    activities: Any = None,
    *,
    on_invalid: Literal["refuse", "quarantine"] = "refuse",
    observed_until: _Moment | None = None,
    observed_from: _Moment | None = None,
    static_attributes: Iterable[str] | Literal["all"] | None = None,
    ties: Literal["given", "content"] = "given",
    currency: str | None = None,
    conversion_rates: Mapping[str, float] | None = None,
    threads: int | None = None,
) -> Partition:
    """Splits tables that have the column ``tenant_id``. Returns the records of each tenant.

    The arguments are those of `TenantRecords`, without ``tenant``. A row number in a report is the position of the row
    in the input table.

    >>> mixed = [{"tenant_id": tenant, "customer_id": 1, "signed_up_at": "2024-01-01"} for tenant in ("a", "b")]
    >>> parts = churn.partition(customers=mixed)
    >>> parts["b"].tenant, parts.positions["b"]["customers"]
    ('b', [1])
    """
    records, unassigned, positions = _core.partition(
        customers,
        payments,
        tickets,
        activities,
        on_invalid=on_invalid,
        observed_until=observed_until,
        observed_from=observed_from,
        static_attributes=static_attributes,
        ties=ties,
        currency=currency,
        conversion_rates=conversion_rates,
        threads=threads,
    )
    parted = Partition(records)
    parted.unassigned, parted.positions = unassigned, positions
    return parted


def columns(table: Literal["customers", "payments", "tickets", "activities", "subscriptions"]) -> Columns:
    """Returns the columns that the library recognizes in a table. The result has the name, type and meaning of each
    column, and says whether the column is required.

    >>> payments = churn.columns("payments")
    >>> [column.name for column in payments if column.required]
    ['customer_id', 'due_at', 'amount']
    >>> print(churn.columns("activities"))
    customer_id  id         required  ...
    """
    return Columns(Column(*column) for column in _core.columns(table))


for _kind in (Partition, partition, columns):
    _kind.__module__ = "churn_core"
