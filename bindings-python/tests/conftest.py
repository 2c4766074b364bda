"""The fixtures of the tests: records of one small tenant, and a model that is trained on them."""

from datetime import UTC, datetime, timedelta

import churn_core as churn
import pytest

START = datetime(2023, 1, 1, tzinfo=UTC)
AS_OF = "2024-03-01"
DEFINITION = churn.Inactivity(horizon=60, active_within=120, on="payments")


def world(customers=300):
    """Makes the tables of the tenant. Each row is a dict. Every fourth customer stops paying at some time."""
    people, payments, tickets = [], [], []
    for i in range(customers):
        cid = f"C-{i:03}"
        people.append(
            {
                "customer_id": cid,
                "signed_up_at": START + timedelta(days=i % 60),
                "plan": ["basic", "pro", None][i % 3],
                "seats": float(i % 7),
            }
        )
        for month in range(20 if i % 4 else 4 + i % 13):
            due = START + timedelta(days=i % 60 + 30 * month + i % 5, hours=i % 24)
            payments.append({"customer_id": cid, "due_at": due, "amount": 10.25 + i % 9})
        if i % 3 == 0:
            opened = START + timedelta(days=60 + i)
            tickets.append({"customer_id": cid, "opened_at": opened, "priority": "high", "satisfaction": 1 + i % 5})
    return {"customers": people, "payments": payments, "tickets": tickets}


def small(**options):
    return {
        "boosting": {"n_trees": 20, "max_leaves": 4},
        "forest": {"n_trees": 10, "max_depth": 4},
        "folds": 2,
        **options,
    }


@pytest.fixture(scope="session")
def tables():
    return world()


@pytest.fixture(scope="session")
def records(tables):
    return churn.TenantRecords(tenant="acme", static_attributes="all", **tables)


@pytest.fixture(scope="session")
def model(records):
    return churn.ChurnModel.train(records, definition=DEFINITION, **small())
