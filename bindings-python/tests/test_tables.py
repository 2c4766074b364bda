"""Tests that every input format gives the same records, and that invalid input gives an error that says what is
wrong."""

import builtins
import csv
import io
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import churn_core as churn
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from conftest import AS_OF

DATA = Path(__file__).parents[2] / "examples/rust/data/complete_journey"


def bits(matrix):
    frame = matrix.to_numpy()
    return matrix.feature_names, matrix.customer_ids, frame.shape, frame.tobytes()


def built(tables, **options):
    return bits(churn.features(churn.TenantRecords(tenant="acme", static_attributes="all", **tables, **options), AS_OF))


def as_columns(rows):
    return {name: [row.get(name) for row in rows] for name in rows[0]}


DOORS = {
    "pandas": pd.DataFrame,
    "pandas objects": lambda rows: pd.DataFrame(rows, dtype=object),
    "pandas arrow types": lambda rows: pd.DataFrame(rows).convert_dtypes(dtype_backend="pyarrow"),
    "pandas with index": lambda rows: pd.DataFrame(rows).set_index(np.arange(len(rows)) * 2 + 1),
    "polars": pl.DataFrame,
    "pyarrow": pa.Table.from_pylist,
    "pyarrow batches": lambda rows: pa.concat_tables([pa.Table.from_pylist(rows[:7]), pa.Table.from_pylist(rows[7:])]),
    "record batch": pa.RecordBatch.from_pylist,
    "columns": as_columns,
    "columns of series": lambda rows: dict(pl.DataFrame(rows).to_dict()),
    "columns of arrays": lambda rows: {name: pd.Series(values) for name, values in as_columns(rows).items()},
}


@pytest.mark.parametrize("door", DOORS)
def test_input_formats_agree(door, tables):
    assert built({name: DOORS[door](rows) for name, rows in tables.items()}) == built(tables)


def test_pandas_without_pyarrow_agrees(tables, monkeypatch):
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    frames["tickets"]["priority"] = frames["tickets"]["priority"].astype("category")
    imported = builtins.__import__

    def without_pyarrow(name, *args, **kwargs):
        if name.split(".")[0] == "pyarrow":
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert built(frames) == built(tables)
    frames["payments"]["due_at"] = frames["payments"]["due_at"].dt.tz_convert("America/New_York")
    assert built(frames) == built(tables)


def test_bundled_data_agrees():
    texts = {name: (DATA / f"{name}.csv").read_text() for name in ("customers", "payments", "activities")}
    dicts = {}
    for name, text in texts.items():
        rows = list(csv.DictReader(io.StringIO(text)))
        for row in rows:
            for key, value in row.items():
                row[key] = float(value) if key == "amount" else value or None
        dicts[name] = rows
    frames = {name: pd.read_csv(io.StringIO(text), dtype=str) for name, text in texts.items()}
    frames["payments"]["amount"] = frames["payments"]["amount"].astype(float)

    def of(tables):
        records = churn.TenantRecords(tenant="journey", static_attributes="all", **tables)
        return bits(churn.features(records, "2017-09-10"))

    expected = of(dicts)
    assert of(frames) == expected
    assert of({name: pl.from_pandas(frame) for name, frame in frames.items()}) == expected


def test_given_and_empty_is_not_not_given(tables):
    def names(**events):
        records = churn.TenantRecords(tenant="acme", customers=tables["customers"], **events)
        return {name.split("_")[0] for name in churn.features(records, AS_OF).feature_names}

    assert names() == {"customer"}
    empty = [[], pd.DataFrame(), pl.DataFrame(), pa.table({}), {}, pl.DataFrame(schema={"customer_id": pl.String})]
    for table in empty[:5]:
        assert names(tickets=table) == {"customer", "tickets"}
    assert names(payments=None, activities=[]) == {"customer", "activities"}


def moments(values):
    rows = [{"customer_id": f"C-{i}", "signed_up_at": value} for i, value in enumerate(values)]
    records = churn.TenantRecords(tenant="acme", customers=rows)
    return churn.features(records, "2024-01-03")["customer_tenure_days"].tolist()


def test_every_kind_of_moment():
    plus2 = timezone(timedelta(hours=2))
    same = [
        "2024-01-01",
        "2024-01-01T02:00:00+02:00",
        date(2024, 1, 1),
        datetime(2024, 1, 1),
        datetime(2024, 1, 1, 2, tzinfo=plus2),
        pd.Timestamp("2024-01-01"),
        pd.Timestamp("2023-12-31 19:00", tz="America/New_York"),
        np.datetime64("2024-01-01"),
        np.datetime64("2024-01-01T00:00:00.000000000"),
    ]
    assert moments(same) == [2.0] * len(same)
    for moment in same:
        assert churn.features(records_of_one(), moment).as_of[0] == np.datetime64("2024-01-01")
    assert len(churn.features(records_of_one(), same)) == len(same)
    assert len(churn.features(records_of_one(), pd.DatetimeIndex(["2024-01-01", "2024-02-01"]))) == 2


def records_of_one(**row):
    return churn.TenantRecords(tenant="a", customers=[{"customer_id": 1, "signed_up_at": "2023-01-01", **row}])


def test_every_kind_of_amount():
    amounts = [12, 12.0, Decimal("12.00"), np.int64(12), np.float32(12)]
    payments = [{"customer_id": 1, "due_at": "2023-02-01", "amount": amount} for amount in amounts]
    customers = [{"customer_id": np.int32(1), "signed_up_at": "2023-01-01"}]
    records = churn.TenantRecords(tenant="a", customers=customers, payments=payments)
    assert churn.features(records, "2024-01-01")["payments_lifetime_paid_sum"].tolist() == [60.0]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"amount": float("nan")}, "not_finite"),
        ({"amount": None}, "missing_value"),
        ({"amount": True}, "bad_type"),
        ({"amount": [1]}, "bad_type"),
        ({"amount": 10**30}, "bad_type"),
        ({"due_at": "01/02/2023"}, "bad_timestamp"),
        ({"due_at": pd.NaT}, "missing_value"),
        ({"customer_id": "C-9"}, "unknown_customer"),
    ],
)
def test_refused_rows(row, code):
    good = {"customer_id": "C-1", "due_at": "2023-02-01", "amount": 1.0}
    tables = {"customers": [{"customer_id": "C-1", "signed_up_at": "2023-01-01"}], "payments": [good, good | row]}
    with pytest.raises(churn.InvalidRecordsError) as caught:
        churn.TenantRecords(tenant="a", **tables)
    error = caught.value
    assert isinstance(error, churn.ChurnError) and isinstance(error, ValueError)
    assert (error.code, error.table, error.row, error.column) == (code, "payments", 1, next(iter(row)))
    assert [issue.code for issue in error.report.issues] == [code]
    records = churn.TenantRecords(tenant="a", on_invalid="quarantine", **tables)
    counts = records.report.tables["payments"]
    assert (counts.rows_in, counts.rows_accepted, counts.rows_quarantined, counts.quarantined) == (2, 1, 1, [1])
    assert records.report.to_arrow().column("code").to_pylist() == [code]
    assert records.report.to_pandas()["row"].tolist() == [1]


@pytest.mark.parametrize("table", ["text", b"bytes", 17, [1, 2], {"customer_id": "C-1"}, [{1: 2}], pd.DataFrame({1: [2]}), pl.LazyFrame()])
def test_unreadable_tables(table):
    with pytest.raises(churn.ChurnError) as caught:
        churn.TenantRecords(tenant="a", customers=table)
    assert caught.value.code in {"unreadable_table", "missing_column"}


def test_partition():
    customers = pl.DataFrame(
        {
            "tenant_id": ["a", "b", "a", None],
            "customer_id": [1, 1, 2, 3],
            "signed_up_at": ["2023-01-01"] * 4,
        }
    )
    parts = churn.partition(customers=customers, on_invalid="quarantine")
    assert isinstance(parts, dict) and {name: len(part) for name, part in parts.items()} == {"a": 2, "b": 1}
    assert parts["a"].tenant == "a" and parts.positions["a"]["customers"] == [0, 2]
    assert [issue.row for issue in parts.unassigned.issues] == [3]
    with pytest.raises(ValueError):
        churn.partition(customers=customers)


def test_a_subclass_of_a_pandas_frame_is_a_frame():
    class Frame(pd.DataFrame):
        pass

    rows = {"customer_id": ["a", "b"], "signed_up_at": ["2024-01-01", "2024-01-02"]}
    assert len(churn.TenantRecords("t", Frame(rows))) == 2
