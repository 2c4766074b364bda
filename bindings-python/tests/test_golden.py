"""Tests with stored expected results (golden cases). Every result must be bit-identical to the stored result. The tests
in Rust and Node read the same cases, and have the same names."""

import os

import churn_core as churn
import crowd
import numpy as np
import pytest
from fixtures import FIXTURES, read, read_tables

NAMES = sorted(path.stem for path in (FIXTURES / "golden/worlds").glob("*.json"))
MODELS = sorted((FIXTURES / "frozen").iterdir())


def bits(numbers):
    """Converts numbers to their bits. A missing number is null in the fixture and NaN in a result. All NaN values
    become equal bits."""
    numbers = np.array([np.nan if number is None else number for number in numbers], dtype="<f8")
    return np.where(np.isnan(numbers), np.nan, numbers).tobytes()


def moment(text):
    return np.datetime64(text.removesuffix("Z"))


def definition(given):
    options = {name: value for name, value in given.items() if name != "kind"}
    return {"cancellation": churn.Cancellation, "inactivity": churn.Inactivity}[given["kind"]](**options)


def check_report(records, expected):
    tables = records.report.tables
    assert {name: row for name, row, _ in expected["tables"]} == {
        name: [table.rows_in, table.rows_accepted, table.rows_quarantined] for name, table in tables.items()
    }
    assert {name: early for name, _, early in expected["tables"]} == {
        name: table.events_before_sign_up for name, table in tables.items()
    }
    issues = [[issue.table, issue.row, issue.column, issue.code] for issue in records.report.issues]
    assert issues == expected["issues"]
    assert sorted(records.report.undated_attributes) == sorted(expected["undated_attributes"])


def check_features(records, case, expected):
    matrix = churn.features(records, case["as_of"])
    assert matrix.feature_names == expected["feature_names"]
    assert matrix.customer_ids == [row[0] for row in expected["features"]]
    assert matrix.as_of.tolist() == [moment(row[1]).astype("datetime64[us]").item() for row in expected["features"]]
    for position, name in enumerate(matrix.feature_names):
        wanted = [row[2][position] for row in expected["features"]]
        found = matrix[name]
        if isinstance(found, list):
            assert found == wanted, name
        else:
            assert bits(found) == bits(wanted), f"{name}: {found} is not {wanted}"


def check_labels(records, expected):
    for wanted in expected["labels"]:
        options = {"as_of": wanted["as_of"], "definition": definition(wanted["definition"])}
        if "error" in wanted:
            with pytest.raises(churn.ChurnError) as caught:
                churn.labels(records, **options)
            assert caught.value.code == wanted["error"]
            continue
        labels = churn.labels(records, **options)
        found = zip(labels.customer_ids, labels["churned"].tolist(), labels["rule"], labels["event_at"], strict=True)
        assert [[*row[:3], None if np.isnat(row[3]) else row[3]] for row in found] == [
            [*row[:3], row[3] and moment(row[3])] for row in wanted["rows"]
        ]
        excluded = labels.excluded
        assert [list(row) for row in zip(excluded.customer_ids, excluded["rule"], strict=True)] == wanted["excluded"]


def check_scores(records, model, expected):
    for wanted in expected:
        if "error" in wanted:
            with pytest.raises(churn.ChurnError) as caught:
                model.score(records, wanted["as_of"])
            assert caught.value.code == wanted["error"]
            continue
        if wanted["scores"]:
            run = model.score(records, wanted["as_of"])
            found = [[score.customer_id, score.risk_band, score.status] for score in run.scores]
            assert found == [[row[0], row[2], row[3]] for row in wanted["scores"]]
            assert bits(run.probabilities) == bits(row[1] for row in wanted["scores"])
        else:
            with pytest.raises(churn.ChurnError) as caught:
                model.score(records, wanted["as_of"])
            assert caught.value.code == "no_eligible_customers"
        matrix = model.features(records, wanted["as_of"])
        assert bits(model.log_odds(matrix)) == bits(wanted["log_odds"])
        assert bits(model.predict_proba(matrix)) == bits(wanted["probabilities"])
        explanation = model.explain(matrix)
        if len(matrix):
            assert bits(explanation.base_values[:1]) == bits([wanted["base_value"]])
        assert len(explanation.values) == len(wanted["contributions"])
        for found, row in zip(explanation.values, wanted["contributions"], strict=True):
            assert bits(found) == bits(row)


@pytest.mark.parametrize("name", NAMES)
def test_golden(name):
    case, expected = read(f"golden/worlds/{name}.json"), read(f"golden/expected/{name}.json")
    records = churn.TenantRecords(tenant=case["tenant"], **case["options"], **read_tables(case))
    check_report(records, expected)
    check_features(records, case, expected)
    check_labels(records, expected)
    for folder in MODELS:
        model = churn.ChurnModel.load(folder / "model.churn")
        check_scores(records, model, read(folder / f"scores/{name}.json"))


def test_all_cases_are_there():
    assert len(NAMES) >= 30 and MODELS


def test_crowd_is_bit_identical_on_every_host():
    """The environment variable ``CHURN_CROWD`` sets the number of customers."""
    customers = int(os.environ.get("CHURN_CROWD", "1000"))
    records = crowd.records(customers)
    for folder in MODELS:
        model = churn.ChurnModel.load(folder / "model.churn")
        expected = (folder / f"crowd-{customers}.sha256").read_text().strip()
        assert crowd.fingerprint(model, records, threads=1) == expected
        assert crowd.fingerprint(model, records, threads=2) == expected
