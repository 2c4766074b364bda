"""Regression tests. An earlier version gave a wrong result or a misleading error message in each of these cases."""

import dataclasses
import decimal
import json
import pickle
import sqlite3
import subprocess
import sys
import uuid
import warnings
from collections import OrderedDict, namedtuple
from types import MappingProxyType

import churn_core as churn
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

NAN = float("nan")
PERSON = {"customer_id": "a", "signed_up_at": "2023-01-01"}


def fit(X, y, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return churn.ChurnClassifier(leakage="allow", **options).fit(X, y)


def answers():
    return ["yes" if i % 10 < 4 else "no" for i in range(100)]


# Tests of labels, rows, weights and masks (numpy arrays that mark missing values).


@pytest.mark.parametrize("missing", [NAN, None, pd.NA, pd.NaT, np.nan, np.ma.masked], ids=repr)
@pytest.mark.parametrize(
    "kind", [list, tuple, lambda y: np.array(y, dtype=object), lambda y: pd.Series(y, dtype=object)], ids=["list", "tuple", "array", "series"]
)
def test_a_missing_label_is_no_class(kind, missing):
    y = answers()
    y[7] = missing
    X = [[float(i % 10)] for i in range(100)]
    for estimator in (churn.ChurnClassifier(leakage="allow"), churn.ensemble.GradientBoosting(n_estimators=3)):
        with pytest.raises(churn.InvalidOptionError) as caught:
            estimator.fit(X, kind(y))
        assert (caught.value.row, caught.value.column) == (7, "y")


@pytest.mark.parametrize("kind", [pl.Series, pa.array, lambda y: pd.Series(y, dtype="string"), lambda y: pd.Categorical(y)])
def test_missing_labels_of_frames(kind):
    y = answers()
    y[7] = None
    with pytest.raises(churn.InvalidOptionError) as caught:
        fit([[float(i % 10)] for i in range(100)], kind(y))
    assert (caught.value.row, caught.value.column) == (7, "y")


def test_lists_of_rows_keep_their_types():
    rows = [["pro" if i % 2 else "basic", float(i % 10) if i % 9 else NAN] for i in range(200)]
    y = [int(i % 10 < 4) for i in range(200)]
    clf = fit(rows, y)
    assert "nan" not in clf.reasons([["pro", NAN]], top=2)[0][0].text
    clean = fit([["pro" if i % 2 else "basic", float(i % 10)] for i in range(200)], y)
    expected = clean.predict_proba([["pro", None]])
    for row in (["pro", NAN], ["pro", np.nan], ["pro", pd.NA], ("pro", None)):
        assert (clean.predict_proba([row]) == expected).all()
    # A list of rows has the column names x0 and x1. A frame with these names and the same values gives the same result.
    frame = pd.DataFrame({"x0": [row[0] for row in rows], "x1": [row[1] for row in rows]})
    assert (fit(frame, y).predict_proba(frame) == clf.predict_proba(rows)).all()
    with pytest.raises(churn.ChurnError):
        fit([["pro", 1.0], ["pro"]], [0, 1])


@pytest.mark.parametrize("given", [{0: 1, 1: 50}, {"Yes": 50}, {"yes": -1}, {"yes": 0, "no": 0}, {"yes": "much"}, "heavy", 3])
def test_class_weights_are_those_of_labels(given):
    X = np.arange(200.0).reshape(-1, 1) % 17
    y = np.where(X[:, 0] < 5, "yes", "no")
    for kind in (churn.ChurnClassifier, churn.ensemble.GradientBoosting, churn.ensemble.Logistic):
        with pytest.raises(churn.InvalidOptionError) as caught:
            kind(class_weight=given).fit(X, y)
        assert caught.value.column == "class_weight" and "class_weight" in str(caught.value)


def test_class_weights_of_members_are_weights():
    X = np.arange(200.0).reshape(-1, 1) % 17
    y = X[:, 0] < 5
    weighed = churn.ensemble.Logistic(class_weight={True: 3.0}).fit(X, y)
    same = churn.ensemble.Logistic().fit(X, y, sample_weight=np.where(y, 3.0, 1.0))
    assert (weighed.coef_ == same.coef_).all()
    balanced = churn.ensemble.GradientBoosting(n_estimators=5, class_weight="balanced").fit(X, y).predict_proba(X)[:, 1]
    assert balanced.mean() > churn.ensemble.GradientBoosting(n_estimators=5).fit(X, y).predict_proba(X)[:, 1].mean()


@pytest.mark.parametrize("word", ["NA", "-", "1,234.50", "n/a"])
def test_a_slip_in_a_column_of_numbers_is_named(word):
    draw = np.random.default_rng(0)
    values = draw.uniform(0, 100, 300)
    y = (draw.random(300) < np.where(values < 40, 0.7, 0.2)).astype(int)
    texts = [f"{value:.2f}" for value in values]
    with pytest.warns(UserWarning, match="'charges'.*row 5 .*" + word.replace("-", r"\-")):
        clf = churn.ChurnClassifier(leakage="allow").fit({"charges": texts[:5] + [word] + texts[6:]}, y)
    (note,) = clf.report_["column_notes"]
    assert (note["code"], note["column"]) == ("numbers_as_texts", "charges") and json.dumps(clf.report_)
    for clean in (texts, ["", *texts[1:]], values):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            churn.ChurnClassifier(leakage="allow").fit({"charges": clean}, y)


def test_codes_with_leading_zeros():
    codes = [f"{i % 7:04}" for i in range(210)]
    y = [i % 7 in (1, 5) and i % 5 > 0 for i in range(210)]
    plain = fit({"code": codes}, y)
    assert plain.report_["column_notes"][0]["code"] == "texts_as_numbers"
    declared = fit({"code": codes}, y, categorical=["code"])
    assert declared.report_["column_notes"] == []
    assert declared.reasons({"code": ["0005"]}, top=1)[0][0].value == "0005"
    assert plain.reasons({"code": ["0005"]}, top=1)[0][0].value == 5.0
    with pytest.raises(churn.InvalidOptionError) as caught:
        fit({"code": codes}, y, categorical=["kode"])
    assert caught.value.column == "categorical"


def test_masked_values_are_missing():
    seats = np.ma.array([1.0, 999.0, 3.0], mask=[0, 1, 0])
    counts = np.ma.array([1, 999, 3], mask=[0, 1, 0])
    ids, day = ["a", "b", "c"], ["2023-01-01"] * 3
    table = {"customer_id": ids, "signed_up_at": day, "seats": seats, "counts": counts}
    records = churn.TenantRecords("a", table, static_attributes="all")
    matrix = churn.features(records, as_of="2024-01-01")
    for name in ("customer_seats", "customer_counts"):
        assert np.array_equal(matrix[name], [1, NAN, 3], equal_nan=True)
    # In a dict of columns, masked texts, bools and dates are missing values too.
    dates = np.ma.array(np.array(["2023-05-01", "2023-06-01", "2023-07-01"], dtype="datetime64[D]"), mask=[1, 0, 0])
    texts = np.ma.array(["x", "y", "z"], mask=[1, 0, 0])
    bools = np.ma.array([True, True, False], mask=[1, 0, 0])
    table = {"customer_id": ids, "signed_up_at": day, "churned_at": dates, "plan": texts, "vip": bools}
    records = churn.TenantRecords("a", table, static_attributes="all", observed_from="2023-01-01", observed_until="2024-01-01")
    frame = churn.features(records, as_of="2023-04-01").to_pandas()
    assert frame["customer_plan"].isna().tolist() == [True, False, False] and frame["customer_plan"].tolist()[1:] == ["y", "z"]
    assert np.array_equal(frame["customer_vip"], [NAN, 1, 0], equal_nan=True)
    assert churn.labels(records, "2023-04-01", churn.Cancellation(65)).churned.tolist() == [False, True, False]
    with pytest.raises(churn.InvalidRecordsError) as caught:
        churn.TenantRecords("a", [PERSON], [{"customer_id": "a", "due_at": "2023-02-01", "amount": np.ma.masked}])
    assert (caught.value.code, caught.value.row, caught.value.column) == ("missing_value", 0, "amount")
    y = np.ma.array([0, 1] * 20, mask=[1] + [0] * 39)
    X = np.arange(40.0)[:, None]
    for estimator in (churn.ChurnClassifier(leakage="allow"), churn.ensemble.RandomForest(n_estimators=3)):
        with pytest.raises(churn.InvalidOptionError) as caught:
            estimator.fit(X, y)
        assert (caught.value.row, caught.value.column) == (0, "y")
        with pytest.raises(churn.InvalidOptionError) as caught:
            estimator.fit(X, [0, 1] * 20, sample_weight=np.ma.array(np.ones(40), mask=[0, 1] + [0] * 38))
        assert (caught.value.row, caught.value.column) == (1, "sample_weight")
    masked = np.ma.array(X % 7, mask=X == 3)
    filled = np.where(X == 3, NAN, X % 7)
    labels = np.arange(40) % 7 > 2
    for kind in (churn.ChurnClassifier(leakage="allow"), churn.ensemble.GradientBoosting(n_estimators=3)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert (kind.fit(masked, labels).predict_proba(masked) == kind.fit(filled, labels).predict_proba(filled)).all()


@pytest.mark.parametrize("rows", [[dict(PERSON, region=NAN), dict(PERSON, customer_id="b", region="EU")]])
def test_nan_among_texts_is_missing(rows):
    frame = pd.DataFrame({"customer_id": ["a", "b"], "signed_up_at": ["2023-01-01"] * 2, "region": [None, "EU"]})
    columns = {name: [row[name] for row in rows] for name in rows[0]}

    def regions(table):
        records = churn.TenantRecords("acme", table, static_attributes="all")
        found = churn.features(records, "2024-01-01").to_pandas()["customer_region"].tolist()
        return [value if value == value else None for value in found]

    expected = regions([dict(PERSON), dict(PERSON, customer_id="b", region="EU")])
    for table in (rows, frame, frame.to_dict("records"), columns, frame.to_dict("list"), frame.astype(object)):
        assert regions(table) == expected == [None, "EU"]
    ended = [dict(PERSON, churned_at=NAN), dict(PERSON, customer_id="b", churned_at=NAN)]
    assert churn.TenantRecords("acme", ended).report.is_clean
    # NaN in the required column `amount` is an error.
    with pytest.raises(churn.InvalidRecordsError) as caught:
        churn.TenantRecords("a", [PERSON], [{"customer_id": "a", "due_at": "2023-02-01", "amount": NAN}])
    assert caught.value.code == "not_finite"


def test_decimals_are_numbers():
    """Amounts, quantities, attributes and ids may be decimals. Some databases, such as DuckDB, return decimals."""
    exact = [decimal.Decimal("12.34"), decimal.Decimal("0.10"), None]
    customers = pa.table({"customer_id": ["a"], "signed_up_at": ["2023-01-01"], "fee": pa.array([decimal.Decimal("12.5")], pa.decimal128(20, 4))})
    for kind in (pa.decimal32(9, 2), pa.decimal64(18, 2), pa.decimal128(38, 2), pa.decimal256(60, 2)):
        amounts, quantities = pa.array(exact[:2], kind), pa.array(exact, kind)
        payments = pa.table({"customer_id": ["a"] * 2, "due_at": ["2023-02-01"] * 2, "amount": amounts})
        activities = pa.table({"customer_id": ["a"] * 3, "at": ["2023-02-01"] * 3, "quantity": quantities})
        matrix = churn.features(churn.TenantRecords("a", customers, payments, None, activities, static_attributes="all"), "2023-02-05")
        assert matrix["payments_lifetime_paid_sum"].tolist() == [12.44]
        # A missing quantity counts as 1.
        assert matrix["activities_quantity_sum_28d"].tolist() == [12.34 + 0.1 + 1.0]
        assert matrix["customer_fee"].tolist() == [12.5]
    rows = [{"customer_id": decimal.Decimal("7.00"), "signed_up_at": "2023-01-01", "fee": decimal.Decimal("12.5")}]
    records = churn.TenantRecords("a", rows, [dict(customer_id=7, due_at="2023-02-01", amount=exact[0])], static_attributes="all")
    matrix = churn.features(records, "2023-02-05")
    assert [matrix["payments_lifetime_paid_sum"][0], matrix["customer_fee"][0]] == [12.34, 12.5]
    with pytest.raises(churn.InvalidRecordsError) as caught:
        churn.TenantRecords("a", [dict(PERSON, customer_id=decimal.Decimal("7.5"))])
    assert (caught.value.code, caught.value.row, caught.value.column) == ("bad_type", 0, "customer_id")


def test_uuids_of_any_frame():
    ids = [uuid.UUID(int=i) for i in range(2)]
    rows = [{"customer_id": one, "signed_up_at": "2023-01-01"} for one in ids]
    expected = [str(one) for one in ids]
    raw = pa.array([one.bytes for one in ids], pa.binary(16))
    table = pa.table({"customer_id": pa.ExtensionArray.from_storage(pa.uuid(), raw), "signed_up_at": ["2023-01-01"] * 2})
    for given in (rows, pd.DataFrame(rows), table, {"customer_id": ids, "signed_up_at": ["2023-01-01"] * 2}):
        assert churn.TenantRecords("a", given).customer_ids == expected
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql("select uuid() as customer_id, date '2023-01-01' as signed_up_at")
    assert len(churn.TenantRecords("a", relation).customer_ids[0]) == 36


# Tests of frames and rows.


def test_columns_of_nothing_but_null():
    frame = pl.DataFrame([dict(PERSON, churned_at=None)])
    for given in (frame, pa.table(frame), pd.DataFrame([dict(PERSON, churned_at=None)])):
        assert len(churn.TenantRecords("acme", given)) == 1
    X = pl.DataFrame({"minutes": [1.0, 2.0] * 20, "memo": [None] * 40})
    assert fit(X, [0, 1] * 20).predict_proba(X).shape == (40, 2)
    # Columns that contain only null are also accepted in payments, subscriptions, tables of many tenants and the store.
    payments = pl.DataFrame([{"customer_id": "a", "due_at": "2023-02-01", "amount": 12.5, "status": None, "settled_at": None}])
    for given in (payments, payments.to_arrow(), payments.to_pandas(), payments.to_dicts()):
        matrix = churn.features(churn.TenantRecords("acme", [PERSON], given), "2023-03-01")
        assert matrix["payments_lifetime_count"].tolist() == [1.0] and matrix["payments_overdue_sum"].tolist() == [12.5]
    subscribed = {"customer_id": "a", "started_at": "2023-02-01", "price": 5.0, "interval": "month"}
    customers, _ = churn.subscriptions_to_customers(pl.DataFrame([subscribed | {"ended_at": None, "plan": None}]))
    assert customers.to_pandas()["mrr"].tolist() == [5.0] and customers.to_pandas()["churned_at"].isna().all()
    parts = churn.partition(pl.DataFrame([PERSON | {"tenant_id": "x", "memo": None}]))
    assert {name: len(part) for name, part in parts.items()} == {"x": 1}
    acme = churn.Store.open("sqlite::memory:").tenant("acme")
    assert acme.customers.upsert(frame.with_columns(memo=None)).rows_changed == 1 and len(acme.records()) == 1
    for table, column, name in (("customers", "signed_up_at", "customers"), ("payments", "amount", "payments")):
        empty = pl.DataFrame([PERSON if table == "customers" else payments.to_dicts()[0]]).with_columns(**{column: None})
        given = {"customers": frame, name: empty}
        with pytest.raises(churn.InvalidRecordsError) as caught:
            churn.TenantRecords("acme", **given)
        error = caught.value
        assert (error.code, error.table, error.row, error.column) == ("missing_value", table, 0, column)
    empties = pa.array([None], pa.null()).dictionary_encode()
    encoded = pa.table({"customer_id": pa.array(["a"]).dictionary_encode(), "signed_up_at": ["2023-01-01"], "plan": empties})
    assert churn.TenantRecords("acme", encoded).customer_ids == ["a"]


def test_a_stream_is_read_once():
    columns = {"minutes": [float(i % 10) for i in range(700)], "plan": ["pro", "basic"] * 350}
    y = [int(i % 10 < 4) for i in range(700)]
    table = pa.table(columns)
    expected = fit(table, y)
    streamed = fit(table.to_reader(), y)
    assert (streamed.predict_proba(table.to_reader()) == expected.predict_proba(table)).all()
    assert list(streamed.feature_names_in_) == ["minutes", "plan"]
    assert (streamed.feature_importances_ == expected.feature_importances_).all()
    numbers = table.select(["minutes"])
    for member in (churn.ensemble.GradientBoosting(n_estimators=3), churn.ensemble.Logistic()):
        wanted = member.fit(numbers.to_pandas(), y).predict_proba(numbers.to_pandas())
        assert (member.fit(numbers.to_reader(), y).predict_proba(numbers.to_reader()) == wanted).all()
    # A stream that has already been read to its end has no rows.
    for reader in (table.to_reader(), pa.RecordBatchReader.from_batches(table.schema, table.to_batches())):
        fit(reader, y)
        with pytest.raises(churn.TrainingError) as caught:
            fit(reader, y)
        assert caught.value.code == "too_little_data"


def test_a_column_that_was_empty_when_fitted():
    X = pd.DataFrame({"minutes": [float(i % 10) for i in range(100)], "memo": [None] * 100})
    clf = fit(X, [int(i % 10 < 4) for i in range(100)])
    expected = clf.predict_proba(X[:2])
    for memo in (["new", None], [5, 6], [True, None], [pd.Timestamp("2024-01-01"), None]):
        assert (clf.predict_proba(X[:2].assign(memo=memo)) == expected).all()
    assert (pickle.loads(pickle.dumps(clf)).predict_proba(X[:2].assign(memo=["new", "old"])) == expected).all()


def test_the_index_is_named():
    indexed = pd.DataFrame([PERSON]).set_index("customer_id")
    with pytest.raises(churn.InvalidRecordsError, match="reset_index") as caught:
        churn.TenantRecords("acme", indexed)
    error = caught.value
    assert (error.code, error.table, error.column) == ("missing_column", "customers", "customer_id")
    due = pd.DataFrame({"due_at": ["2023-02-01"], "amount": [1.0]}, index=pd.Index(["a"], name="customer_id"))
    with pytest.raises(churn.InvalidRecordsError, match="reset_index"):
        churn.TenantRecords("acme", [PERSON], due)
    # pandas marks a named index as a column of the Arrow table. This column is read like the other columns.
    assert len(churn.TenantRecords("acme", pa.Table.from_pandas(indexed))) == 1
    X = pd.DataFrame({"plan": ["a", "b"] * 30, "minutes": range(60)})
    table = pa.Table.from_pandas(X.set_index("plan"))
    assert sorted(fit(table, [0, 1] * 30).feature_names_in_) == ["minutes", "plan"]
    # `TenantRecords`, `partition` and `upsert` raise an error if a known column of a table is in the index.
    both = pd.DataFrame([PERSON]).set_index(["customer_id", "signed_up_at"])
    tenants = pd.DataFrame([PERSON | {"tenant_id": "x"}]).set_index("tenant_id")
    acme = churn.Store.open("sqlite::memory:").tenant("acme")
    for call, table, column in (
        (lambda: churn.TenantRecords("acme", both), "customers", "customer_id"),
        (lambda: churn.partition(tenants), "customers", "tenant_id"),
        (lambda: acme.customers.upsert(indexed), "customers", "customer_id"),
        (lambda: acme.payments.upsert(due.reset_index().set_index("due_at")), "payments", "due_at"),
    ):
        with pytest.raises(churn.InvalidRecordsError, match="reset_index") as caught:
            call()
        assert (caught.value.code, caught.value.table, caught.value.column) == ("missing_column", table, column)
    # An index without a name contains no column, so it causes no error.
    assert len(churn.TenantRecords("acme", pd.DataFrame([PERSON]).set_index(np.array([5])))) == 1


def test_rows_of_other_types():
    @dataclasses.dataclass
    class Person:
        customer_id: str
        signed_up_at: str

    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    query = "select 'a' as customer_id, '2023-01-01' as signed_up_at"
    rows = [
        database.execute(query).fetchone(),
        namedtuple("Row", PERSON)(**PERSON),
        Person(**PERSON),
        OrderedDict(PERSON),
        MappingProxyType(PERSON),
        pd.DataFrame([PERSON]).iloc[0],
    ]
    for row in rows:
        assert churn.TenantRecords("acme", [row]).customer_ids == ["a"], type(row)
    assert len(churn.TenantRecords("acme", database.execute(query))) == 1
    with pytest.raises(churn.UnreadableTableError, match="Series"):
        churn.TenantRecords("acme", pd.DataFrame([PERSON]).iloc[0])
    for wrong in ([("a", "2023-01-01")], [1], [None]):
        with pytest.raises(churn.UnreadableTableError, match="row 0"):
            churn.TenantRecords("acme", wrong)


def test_one_customer_of_other_types(model):
    person = {"customer_id": "X", "signed_up_at": "2023-05-01", "plan": "pro", "seats": 3.0}
    paid = [{"due_at": "2024-02-20", "amount": 12.5}]
    expected = model.score_customer(person, paid, [], as_of="2024-03-01").probability
    for customer in (person, [person], pd.DataFrame([person]), pd.Series(person), pl.DataFrame([person]), MappingProxyType(person)):
        assert model.score_customer(customer, paid, [], as_of="2024-03-01").probability == expected, type(customer)


def test_rows_with_keys_have_no_order():
    rows = [{"plan": "pro" if i % 2 else "basic", "minutes": float(i % 10)} for i in range(100)]
    clf = fit(rows, [int(i % 10 < 4) for i in range(100)])
    expected = clf.predict_proba([{"plan": "pro", "minutes": 3.0}])
    assert (clf.predict_proba([{"minutes": 3.0, "plan": "pro"}]) == expected).all()
    partly = clf.predict_proba([{"plan": "pro"}])
    assert (partly == clf.predict_proba([{"plan": "pro", "minutes": None}])).all()
    both = clf.predict_proba([{"plan": "pro"}, {"minutes": 3.0, "plan": "pro"}])
    assert (both == np.vstack([partly, expected])).all()
    with pytest.raises(churn.FeatureMismatchError, match="colour"):
        clf.predict_proba([{"plan": "pro", "minutes": 3.0, "colour": "red"}])


def test_bytes_and_pickles(model, records):
    run = model.score(records, "2024-03-01")
    for data in (memoryview(model.to_bytes()), bytearray(model.to_bytes()), np.frombuffer(model.to_bytes(), np.uint8)):
        assert churn.ChurnModel.from_bytes(data) == model
    again = pickle.loads(pickle.dumps(run))
    assert again.probabilities.tobytes() == run.probabilities.tobytes() and again.scores == run.scores
    worst = run.riskiest(1)[0]
    assert again.reasons(worst.customer_id) == run.reasons(worst.customer_id)
    assert (again.tenant, again.as_of, again.model_id) == (run.tenant, run.as_of, run.model_id)
    assert again.matrix.to_numpy().tobytes() == run.matrix.to_numpy().tobytes()
    assert pickle.loads(pickle.dumps(worst)) == worst
    with pytest.raises(TypeError, match="TenantRecords"):
        pickle.dumps(records)
    with pytest.raises(churn.CustomerNotFoundError):
        run.reasons(17)


# Tests of matrices.


def xgboost_file(names, best=None):
    """Makes the JSON of an XGBoost model with two boosting rounds. Each round has one tree, which splits on the first
    column."""
    def tree(left, right):
        return {
            "tree_param": {"num_nodes": "3"}, "left_children": [1, -1, -1], "right_children": [2, -1, -1],
            "split_indices": [0, 0, 0], "split_conditions": [0.5, left, right], "default_left": [0, 0, 0],
            "sum_hessian": [2.0, 1.0, 1.0],
        }  # fmt: skip

    learner = {
        "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": str(len(names))},
        "objective": {"name": "binary:logistic"},
        "feature_names": names,
        "gradient_booster": {
            "name": "gbtree",
            "model": {
                "gbtree_model_param": {"num_trees": "2", "num_parallel_tree": "1"},
                "trees": [tree(-1.0, 1.0), tree(-5.0, 5.0)],
                "tree_info": [0, 0],
            },
        },
    }
    if best is not None:
        learner["attributes"] = {"best_iteration": str(best)}
    return json.dumps({"learner": learner}).encode()


def test_frames_go_by_name():
    names = ["tenure", "spend", "tickets"]
    trees = churn.TreeEnsemble.from_xgboost(xgboost_file(names))
    assert trees.feature_names == names
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(50, 3)), columns=names)
    expected = trees.predict_proba(frame.to_numpy())
    swapped = frame[["tickets", "spend", "tenure"]]
    for same in (frame, swapped, pl.from_pandas(swapped), pa.Table.from_pandas(swapped)):
        assert (trees.predict_proba(same) == expected).all(), type(same)
    explained = trees.explain(swapped)
    assert explained.feature_names == names and (np.abs(explained.values[:, 0]) > 0).all()
    assert np.allclose(explained.data, frame.to_numpy())
    for wrong in (frame.rename(columns={"spend": "spent"}), frame[["tenure", "spend"]], frame.assign(other=1.0)):
        with pytest.raises(churn.FeatureMismatchError) as caught:
            trees.predict_proba(wrong)
        assert caught.value.column in ("spend", "tickets", "other")
    again = churn.TreeEnsemble.from_bytes(trees.to_bytes())
    assert again.feature_names == names and (again.predict_proba(swapped) == expected).all()
    plain = churn.TreeEnsemble.from_xgboost(xgboost_file(["f0", "f1", "f2"]))
    assert plain.feature_names is None and plain.with_feature_names(names).feature_names == names
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(5, random_state=0).fit(frame, frame["tenure"] > 0)
    made = churn.TreeEnsemble.from_sklearn(forest)
    assert made.feature_names == names and np.allclose(made.predict_proba(swapped), forest.predict_proba(frame))
    own = churn.ensemble.GradientBoosting(n_estimators=3).fit(frame, frame["tenure"] > 0)
    assert own.to_trees().feature_names == names
    with pytest.raises(churn.FeatureMismatchError):
        own.predict_proba(swapped)


def test_the_best_iteration_is_used():
    X = np.array([[0.2], [0.9]])
    names = ["tenure"]
    everything = churn.TreeEnsemble.from_xgboost(xgboost_file(names))
    stopped = churn.TreeEnsemble.from_xgboost(xgboost_file(names, best=0))
    assert (len(everything), len(stopped)) == (2, 1)
    assert np.allclose(stopped.predict_proba(X)[:, 1], 1 / (1 + np.exp([1.0, -1.0])))
    assert len(churn.TreeEnsemble.from_xgboost(xgboost_file(names, best=1))) == 2
    with pytest.raises(churn.ImportFailedError):
        churn.TreeEnsemble.from_xgboost(xgboost_file(names, best="soon"))


@pytest.mark.parametrize("value", [NAN, np.inf, None])
def test_logistic_has_no_missing_values(value):
    X = np.arange(40.0).reshape(-1, 1)
    clf = churn.ensemble.Logistic().fit(X, X[:, 0] > 20)
    for ask in (clf.predict_proba, clf.predict):
        with pytest.raises(churn.InvalidOptionError) as caught:
            ask([[1.0], [value]])
        assert (caught.value.row, caught.value.column) == (1, "x0")
    with pytest.raises(churn.ChurnError):
        churn.ensemble.Logistic().fit(np.where(X == 3, NAN, X), X[:, 0] > 20)


# Tests of error messages.


def test_members_take_part_in_metadata_routing():
    code = """
import warnings; warnings.simplefilter("ignore")
import numpy as np, sklearn, churn_core as churn
from sklearn.model_selection import cross_validate
X = np.random.default_rng(0).normal(size=(60, 2)); y = (X[:, 0] > 0).astype(int); w = np.ones(60)
with sklearn.config_context(enable_metadata_routing=True):
    for clf in (churn.ChurnClassifier(leakage="allow"), churn.ensemble.GradientBoosting(n_estimators=5), churn.ensemble.Logistic()):
        asked = clf.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        print(len(cross_validate(asked, X, y, cv=2, params={"sample_weight": w})["test_score"]))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout.split() == ["2", "2", "2"], ran.stderr


def test_messages_say_what_is_wrong():
    X, y = [[float(i)] for i in range(20)], [0, 1] * 10

    def error(call):
        with pytest.raises(churn.ChurnError) as caught:
            call()
        return caught.value

    one = error(lambda: churn.ChurnClassifier().fit(X[:1], y[:1]))
    assert one.code == "single_class" and "2 rows" not in str(one)
    members = churn.ensemble.GradientBoosting(n_estimators=3)
    missing = error(lambda: members.fit(X, ["yes", None] * 10))
    assert (missing.row, missing.column) == (1, "y") and "missing" in str(missing)
    negative = error(lambda: members.fit(X, y, sample_weight=[-1.0] * 20))
    assert (negative.row, negative.column) == (0, "sample_weight")
    amount = decimal.Decimal("sNaN")
    paid = error(lambda: churn.TenantRecords("a", [PERSON], [{"customer_id": "a", "due_at": "2023-01-01", "amount": amount}]))
    assert (paid.code, paid.column) == ("not_finite", "amount")
    assert churn.TenantRecords("a", [dict(PERSON, customer_id=decimal.Decimal(7))]).customer_ids == ["7"]
    with pytest.raises(TypeError, match="n_trees"):
        churn.ensemble.GradientBoosting(n_trees=5)
    unknown = error(lambda: churn.ChurnModel.train(churn.TenantRecords("a", [PERSON]), boosting={"leafs": 3}))
    assert unknown.code == "invalid_option" and "leafs" in str(unknown)
