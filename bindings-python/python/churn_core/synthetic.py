"""Synthetic tenants for which the true churn probability of every customer at every date is known.

    >>> import churn_core as churn
    >>> world = churn.synthetic.world(seed=1, tenants=2, customers=50)
    >>> sorted(world.tenants)
    ['t001', 't002']
    >>> tenant = world.tenants["t001"]
    >>> records = churn.TenantRecords("t001", tenant.customers, tenant.payments, tenant.tickets, tenant.activities)
    >>> len(records)
    50
"""

from ._churn_core import Truth, World, WorldTable, WorldTenant, leaks, world

__all__ = ["Truth", "World", "WorldTable", "WorldTenant", "leaks", "world"]


def __dir__() -> list[str]:
    return sorted(__all__)
