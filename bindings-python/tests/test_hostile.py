"""Tests with malicious input. The cases are in tests/fixtures/hostile.json. The tests in Rust and Node read the same
cases."""

import json
import math
from decimal import Decimal
from pathlib import Path

import churn_core as churn
import pandas as pd
import pyarrow as pa
import pytest

CASES = json.loads((Path(__file__).parents[2] / "tests/fixtures/hostile.json").read_text())
TABLES = ("customers", "payments", "tickets", "activities")


def cell(given, number):
    match given:
        case {"$number": word}:
            return float(word)
        case {"$repeat": [text, times]}:
            return text * times
        case str():
            return given.replace("{i}", str(number))
    return given


def row(cells, number):
    own = {}
    for name, value in cells.items():
        if name == "$columns":
            own |= {f"column {column}": cell(value[1], number) for column in range(value[0])}
        else:
            own[name.replace("{i}", str(number))] = cell(value, number)
    return own


def rows(given):
    if isinstance(given, list):
        return [row(cells, 0) for cells in given]
    return [row(given["row"], number) for number in range(given["$rows"])]


def definition(kind, horizon, lead=0, on=None):
    if kind == "cancellation":
        return churn.Cancellation(horizon=horizon, lead=lead)
    return churn.Inactivity(horizon=horizon, lead=lead, on=on)


def agrees(expected, value):
    if expected is None:
        return value is None or math.isnan(value)
    return value == (expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-9, abs=0))


def run(given, then, expect):
    tables = {name: rows(given[name]) for name in TABLES if name in given}
    options = {name: given[name] for name in ("on_invalid", "static_attributes") if name in given}
    records = churn.TenantRecords(tenant="t", **tables, **options)
    for table, counts in expect.get("tables", {}).items():
        found = records.report.tables[table]
        assert [found.rows_in, found.rows_accepted, found.rows_quarantined] == counts
    if "issues" in expect:
        found = [[issue.table, issue.row, issue.column, issue.code] for issue in records.report.issues]
        assert sorted(found, key=str) == sorted(expect["issues"], key=str)
    if "features" in then:
        matrix = churn.features(records, as_of=then["features"])
        frame = matrix.to_pandas().set_index("customer_id")
        if "rows" in expect:
            assert len(frame) == expect["rows"]
        assert not set(expect.get("absent", ())) & set(frame.columns)
        if "features" in expect:
            assert list(frame.index) == sorted(expect["features"], key=str.encode)
            for customer, values in expect["features"].items():
                for name, value in values.items():
                    assert agrees(value, frame.loc[customer, name]), (customer, name, frame.loc[customer, name])
    if "labels" in then:
        frame = churn.labels(records, as_of=then["labels"], definition=definition(**then["definition"])).to_pandas()
        if "labels" in expect:
            assert dict(zip(frame["customer_id"], frame["churned"])) == expect["labels"]
    if "train" in then:
        churn.ChurnModel.train(records, definition=definition(**then["definition"]))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_hostile(case):
    given, then, expect = case["given"], case.get("then", {}), case["expect"]
    if "error" not in expect:
        run(given, then, expect)
        return
    with pytest.raises(churn.ChurnError) as caught:
        run(given, then, {})
    error, wanted = caught.value, expect["error"]
    assert error.code == wanted["code"]
    if wanted["table"] is not None:
        assert (error.table, error.row, error.column) == (wanted["table"], wanted["row"], wanted["column"])


def test_a_decimal_with_a_large_exponent_is_refused_at_once():
    for text in ("1e400000", "-1e999999", "1e401"):
        with pytest.raises(churn.ChurnError) as raised:
            churn.TenantRecords(
                "t",
                customers=[{"customer_id": "a", "signed_up_at": "2024-01-01"}],
                payments=[{"customer_id": "a", "due_at": "2024-02-01", "amount": Decimal(text)}],
            )
        assert raised.value.code == "not_finite"


def test_devices_many_threads_and_wide_subscriptions_are_refused():
    for load in (churn.ChurnModel.load, churn.TreeEnsemble.from_xgboost, churn.TreeEnsemble.from_lightgbm):
        with pytest.raises(churn.ChurnError) as raised:
            load("/dev/zero")
        assert raised.value.code == "io"
    with pytest.raises(churn.ChurnError):
        churn.TreeEnsemble.from_lightgbm("tree\n\ud800")
    customers = [{"customer_id": "a", "signed_up_at": "2024-01-01"}]
    with pytest.raises(churn.ChurnError) as raised:
        churn.TenantRecords("t", customers=customers, threads=10**9)
    assert raised.value.code == "invalid_option"
    row = {"customer_id": "a", "started_at": "2024-01-01", "price": 1, "interval": "month"}
    row |= {f"column {number}": number for number in range(20_000)}
    with pytest.raises(churn.ChurnError) as raised:
        churn.subscriptions_to_customers([row])
    assert raised.value.code == "unreadable_table"


def struct_of(rows, mask=None):
    """The columns as one array of structs. Only this array passes through `__arrow_c_array__`."""
    arrays = [pa.array(values) if isinstance(values, list) else values for values in rows.values()]
    return pa.StructArray.from_arrays(arrays, names=list(rows), mask=None if mask is None else pa.array(mask))


def test_arrow_structures_of_other_libraries_are_checked():
    days = ["2024-01-01", "2024-01-01", "2024-01-01"]
    whole = struct_of({"customer_id": ["a", "b", "c"], "signed_up_at": days})
    assert len(churn.TenantRecords("t", whole)) == 3

    def refused(table):
        with pytest.raises(churn.UnreadableTableError) as raised:
            churn.TenantRecords("t", table)
        assert raised.value.code == "unreadable_table"
        return str(raised.value)

    masked = struct_of({"customer_id": ["a", "b", "c"], "signed_up_at": days}, [False, True, False])
    assert "row 1 of the Arrow struct array is null" in refused(masked)
    deep = pa.int64()
    for _ in range(200):
        deep = pa.list_(deep)
    assert "64 levels" in refused(pa.table({"customer_id": ["a"], "deep": pa.nulls(1, deep)}))
    assert "30000000 rows" in refused(pa.table({"customer_id": pa.nulls(30_000_000)}))
    # An empty slice of a text column is a table without rows.
    empty = pa.table({"customer_id": ["a", "b"], "signed_up_at": days[:2]}).slice(2, 0)
    assert len(churn.TenantRecords("t", empty)) == 0


def test_wide_frames_are_refused_before_they_are_converted():
    wide = pd.DataFrame([range(20_000)], columns=[f"c{number}" for number in range(20_000)])
    for table in (wide, {name: [0] for name in wide.columns}):
        with pytest.raises(churn.UnreadableTableError, match="at most 10000 columns, not 20000"):
            churn.TenantRecords("t", table)
        with pytest.raises(churn.UnreadableTableError, match="at most 10000 columns, not 20000"):
            churn.subscriptions_to_customers(table)


def stream_that_fails(error):
    batch = pa.record_batch({"customer_id": ["a", "b"], "signed_up_at": ["2024-01-01"] * 2})

    def batches():
        yield batch
        raise error

    return pa.RecordBatchReader.from_batches(batch.schema, batches())


def test_a_stream_that_fails_is_an_error_and_is_not_read_again():
    with pytest.raises(churn.UnreadableTableError, match="Null in source row 3"):
        churn.TenantRecords("t", stream_that_fails(ValueError("Null in source row 3")))


def test_ctrl_c_in_the_source_of_a_table_is_passed_on():
    with pytest.raises(KeyboardInterrupt):
        churn.TenantRecords("t", stream_that_fails(KeyboardInterrupt()))

    def deep(levels):
        raise KeyboardInterrupt if levels == 0 else deep(levels - 1)

    def batches():
        yield from []
        deep(200)

    schema = pa.schema([("customer_id", pa.string())])
    with pytest.raises(KeyboardInterrupt):
        churn.TenantRecords("t", pa.RecordBatchReader.from_batches(schema, batches()))

    class Frame(pd.DataFrame):  # a subclass, as that of geopandas
        def __arrow_c_stream__(self, requested_schema=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        churn.TenantRecords("t", Frame({"customer_id": ["a"], "signed_up_at": ["2024-01-01"]}))


def test_an_object_that_wraps_itself_is_no_row():
    class Row:
        @property
        def _mapping(self):
            return self

    with pytest.raises(churn.UnreadableTableError, match="row 0 is a Row, not a dict"):
        churn.TenantRecords("t", [Row()])


def test_a_column_cannot_pretend_to_be_ctrl_c():
    for name in ("KeyboardInterrupt", "\nKeyboardInterrupt"):
        twice = pa.StructArray.from_arrays([pa.array(["a"]), pa.array(["b"])], names=[name, name])
        with pytest.raises(churn.UnreadableTableError):
            churn.TenantRecords("t", twice)
