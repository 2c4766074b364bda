"""A known world: made-up tenants whose customers' true risk is known at every date.

    >>> import churn
    >>> world = churn.synthetic.world(seed=1, tenants=2, customers=50)
    >>> sorted(world.tenants)
    ['t001', 't002']
    >>> tenant = world.tenants["t001"]
    >>> records = churn.TenantRecords("t001", tenant.customers, tenant.payments, tenant.tickets, tenant.activities)
    >>> len(records)
    50
"""

from ._churn import Truth, World, WorldTable, WorldTenant, leaks, world

__all__ = ["Truth", "World", "WorldTable", "WorldTenant", "leaks", "world"]
