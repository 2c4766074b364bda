"""Tests of input that could silently be dropped or misread. Such input must cause an error or a warning that names
the table and the column."""

import decimal

import churn_core as churn
import pandas as pd
import pyarrow as pa
import pytest

PERSON = {"customer_id": "a", "signed_up_at": "2023-01-01"}
SUBSCRIBED = {"customer_id": "a", "started_at": "2023-02-01", "price": 5.0, "interval": "month"}
PAID = {"customer_id": "a", "due_at": "2023-02-01", "amount": 1.0}


def refused(call, code, **where):
    with pytest.raises(churn.ChurnError) as caught:
        call()
    error = caught.value
    assert error.code == code, error
    for name, value in where.items():
        assert getattr(error, name) == value, (name, error)
    return str(error)


@pytest.mark.parametrize("table", ["customers", "payments", "subscriptions", "partition", "store"])
def test_a_stream_that_was_read_is_not_an_empty_table(table):
    rows = {"customers": PERSON, "payments": PAID, "subscriptions": SUBSCRIBED, "partition": PERSON | {"tenant_id": "x"}, "store": PERSON}
    reader = pa.Table.from_pylist([rows[table]]).to_reader()
    acme = churn.Store.open("sqlite::memory:").tenant("a")
    call = {
        "customers": lambda: churn.TenantRecords("a", reader), "payments": lambda: churn.TenantRecords("a", [PERSON], reader),
        "subscriptions": lambda: churn.subscriptions_to_customers(reader), "partition": lambda: churn.partition(reader),
        "store": lambda: acme.customers.upsert(reader),
    }[table]
    call()
    refused(call, "unreadable_table")


def test_a_generator_that_was_read_is_not_an_empty_table():
    rows = (row for row in [PERSON])
    churn.TenantRecords("a", rows)
    refused(lambda: churn.TenantRecords("a", rows), "unreadable_table")


MISSED = (
    ("payments", "status"),
    ("payments", "settled_at"),
    ("tickets", "resolved_at"),
    ("tickets", "priority"),
    ("tickets", "satisfaction"),
    ("tickets", "first_response_at"),
    ("activities", "kind"),
    ("activities", "quantity"),
    ("customers", "churned_at"),
    ("customers", "notice_at"),
)


def test_missing_built_in_columns_are_named():
    tables = next(iter(churn.synthetic.world(seed=3, tenants=1, customers=200).tenants.values()))
    frames = {name: getattr(tables, name).to_pandas() for name in ("customers", "payments", "tickets", "activities")}
    def build(**more):
        return churn.TenantRecords("a", **(frames | more))
    model = churn.ChurnModel.train(build(), churn.Inactivity(60), folds=2, forest=False, leakage="allow", boosting={"n_trees": 10})
    for table, column in MISSED:
        run = model.score(build(**{table: frames[table].drop(columns=[column])}), "2025-06-20")
        assert [column] in [w.columns for w in run.warnings if w.code == "missing_column"], (table, column)


def test_decimals_are_stored():
    acme = churn.Store.open("sqlite::memory:").tenant("a")
    exact = pa.array([decimal.Decimal("12.34")], pa.decimal128(10, 2))
    acme.customers.upsert(pa.table({"customer_id": ["a"], "signed_up_at": ["2023-01-01"], "fee": exact}))
    assert acme.customers.of_customer("a")[0]["fee"] == 12.34
    acme.payments.upsert(pa.table({"customer_id": ["a"], "due_at": ["2023-02-01"], "amount": exact}))
    assert acme.payments.of_customer("a")[0]["amount"] == 12.34


def test_whole_decimals_of_arrow_are_ids():
    ids = pa.array([decimal.Decimal(7)], pa.decimal128(10, 0))
    assert churn.TenantRecords("a", pa.table({"customer_id": ids, "signed_up_at": ["2023-01-01"]})).customer_ids == ["7"]


def test_ids_that_are_floats_say_so():
    text = refused(lambda: churn.TenantRecords("a", pd.DataFrame({"customer_id": [1.0, None], "signed_up_at": ["2023-01-01"] * 2})), "bad_type")
    assert "float" in text or "1.0" in text


def test_ties_of_a_store():
    acme = churn.Store.open("sqlite::memory:").tenant("a")
    acme.customers.upsert([PERSON])
    assert len(acme.records(ties="content")) == 1


def test_errors_and_findings_of_subscriptions_name_their_table():
    refused(lambda: churn.subscriptions_to_customers([SUBSCRIBED | {"price": None}]), "missing_value", row=0, column="price")
    _, (finding,) = churn.subscriptions_to_customers([SUBSCRIBED | {"end_date": "2023-05-01"}])
    assert "'ended_at'" in finding.message
    text = refused(lambda: churn.subscriptions_to_customers([{"start_date": "2023-01-01", "customer_id": "a", "price": 1, "interval": "month"}]), "missing_column")
    assert "'start_date'" in text
    frame = pd.DataFrame([SUBSCRIBED]).set_index("customer_id")
    assert "reset_index" in refused(lambda: churn.subscriptions_to_customers(frame), "missing_column")
    assert churn.columns("subscriptions")[0].name == "customer_id"


def test_unreadable_tables_name_themselves():
    refused(lambda: churn.TenantRecords("a", 5), "unreadable_table", table="customers")
    refused(lambda: churn.TenantRecords("a", [PERSON], 5), "unreadable_table", table="payments")


@pytest.mark.parametrize("call", ["features", "labels", "origins", "train", "tenant", "batches"])
def test_arguments_of_other_kinds_are_options(call):
    records = churn.TenantRecords("a", [PERSON], [PAID])
    store = churn.Store.open("sqlite::memory:")
    refused({
        "features": lambda: churn.features(records, as_of=records), "labels": lambda: churn.labels(records, as_of=records),
        "origins": lambda: churn.backtest(records, origins=records), "train": lambda: churn.ChurnModel.train(records, as_of=records),
        "tenant": lambda: store.tenant(None), "batches": lambda: store.tenant("a").customers.upsert_batches(None),
    }[call], "invalid_option")


def test_labels_and_backtests_of_a_misspelt_end():
    rows = [dict(PERSON, customer_id=f"c{i}", churn_date="2023-06-01" if i % 2 else None) for i in range(20)]
    payments = [dict(PAID, customer_id=f"c{i}", due_at=f"2023-{m:02}-03") for i in range(20) for m in range(1, 13)]
    records = churn.TenantRecords("a", rows, payments)
    with pytest.raises(churn.TrainingError, match="churn_date"):
        churn.labels(records, "2023-05-15", churn.Cancellation(30))
    with pytest.raises(churn.TrainingError, match="churn_date"):
        churn.backtest(records, churn.Cancellation(30), origins=["2023-05-15"])


def test_html_has_the_findings():
    report = churn.TenantRecords("a", [PERSON], [PAID | {"state": "x"}]).report
    assert "unused_column" in report._repr_html_()


def test_a_missing_column_has_no_issues_of_currencies():
    error = pytest.raises(churn.InvalidRecordsError, churn.TenantRecords, "a", [PERSON], [{"customer_id": "a", "due_at": "2023-02-01", "currency": "EUR"}] * 3).value
    assert [issue.code for issue in error.report.issues] == ["missing_column"]


def test_rates_name_their_argument():
    refused(lambda: churn.TenantRecords("a", [PERSON], conversion_rates={"USD": -1}), "invalid_option", column="conversion_rates")


@pytest.fixture(scope="module")
def trained():
    tables = next(iter(churn.synthetic.world(seed=3, tenants=1, customers=300).tenants.values()))
    frames = {name: getattr(tables, name).to_pandas() for name in ("customers", "payments", "tickets", "activities")}
    records = churn.TenantRecords("acme", **frames)
    model = churn.ChurnModel.train(records, churn.Cancellation(60), folds=2, forest=False, leakage="allow", boosting={"n_trees": 10})
    return model, records


def test_a_run_warns_of_outcomes_that_training_used(trained):
    model, records = trained
    last = max(model.report.training_dates)
    with pytest.warns(churn.ChurnWarning, match="outcomes_seen_in_training"):
        run = model.score(records, last)
    assert "outcomes_seen_in_training" in [warning.code for warning in run.warnings]
    assert "outcomes_seen_in_training" in repr(run)


def test_a_misspelt_key_of_one_customer_is_a_warning(trained):
    model, _ = trained
    customer = {"customer_id": "n", "signed_up_at": "2024-01-01"}
    payment = {"due_at": "2024-02-01", "amount": 5.0, "statsu": "failed"}
    with pytest.warns(churn.ChurnWarning, match="statsu"):
        score = model.score_customer(customer, [payment], [], [], as_of="2024-03-01")
    assert ["statsu"] in [warning.columns for warning in score.warnings if warning.code == "unused_column"]
    assert score.to_dict()["warnings"]


def test_allowed_columns_exist(trained):
    _, records = trained
    with pytest.raises(churn.InvalidOptionError, match="nope") as caught:
        churn.ChurnModel.train(records, churn.Cancellation(60), folds=2, forest=False, allow_columns=["nope"])
    assert caught.value.column == "allow_columns"
