"""Tests of the conversion of subscriptions to customers. The input is given as rows and as frames. The tests in Rust
and Node read the same cases."""

from datetime import UTC, datetime

import churn_core as churn
import pandas as pd
import polars as pl
import pytest
from fixtures import read

CASES = read("subscriptions.json")


def moment(text):
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def expected(row):
    return {name: moment(given) if given is not None and name.endswith(("_at", "_from")) else given for name, given in row.items()}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_golden_cases(case):
    def call():
        return churn.subscriptions_to_customers(
            case["subscriptions"], case.get("joined"), static_attributes=case.get("static_attributes")
        )

    if "error" in case:
        with pytest.raises(churn.ChurnError) as caught:
            call()
        error = caught.value
        assert [error.code, error.table, error.row, error.column] == case["error"]
        return
    customers, findings = call()
    assert customers.to_polars().to_dicts() == [expected(row) for row in case["customers"]]
    assert [[found.code, found.column, found.rows, found.examples] for found in findings] == case["findings"]
    if case["customers"]:
        assert len(churn.TenantRecords("acme", customers, static_attributes="all")) == len(
            {row["customer_id"] for row in case["customers"]}
        )


def test_every_frame_gives_the_same_records():
    rows = [
        {"customer_id": "a", "started_at": "2024-01-01", "ended_at": "2024-03-01", "price": 30.0, "interval": "month"},
        {"customer_id": "a", "started_at": "2024-03-01", "ended_at": None, "price": 600.0, "interval": "year"},
    ]
    frames = [rows, pl.DataFrame(rows), pd.DataFrame(rows), pl.DataFrame(rows).to_arrow()]
    matrices = []
    for frame in frames:
        customers, findings = churn.subscriptions_to_customers(frame)
        assert not findings and customers.columns == ["customer_id", "signed_up_at", "churned_at", "valid_from", "mrr"]
        assert repr(customers) == "<CustomersTable: 2 rows>" and len(customers.to_arrow()) == 2
        for given in (customers, customers.to_pandas(), customers.to_polars(), customers.to_arrow()):
            matrices.append(churn.features(churn.TenantRecords("acme", given), as_of="2024-04-01").to_polars())
    assert all(matrix.equals(matrices[0]) for matrix in matrices)
    assert matrices[0]["customer_mrr"].to_list() == [50.0]


def test_an_attribute_of_several_types_is_refused():
    subscriptions = [
        {"customer_id": one, "started_at": "2024-01-01", "price": 1, "interval": "month"} for one in ("a", "b")
    ]
    joined = [{"customer_id": "a", "size": 5}, {"customer_id": "b", "size": "big"}]
    with pytest.raises(churn.InvalidRecordsError) as caught:
        churn.subscriptions_to_customers(subscriptions, joined, static_attributes="all")
    assert caught.value.code == "bad_type" and caught.value.column == "size"
