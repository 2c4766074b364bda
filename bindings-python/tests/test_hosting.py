"""Tests of the package in several environments: with duckdb, in notebooks, with threads and in forked worker
processes."""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import churn_core as churn
import pandas as pd
import pytest
from conftest import AS_OF, DEFINITION, small


def test_duckdb_relations(tables):
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    relations = {}
    for name, rows in tables.items():
        frame = pd.DataFrame(rows)
        connection.register(f"{name}_frame", frame)
        connection.execute(f"create table {name} as select * from {name}_frame")
        relations[name] = connection.sql(f"select * from {name}")

    def bits(tables):
        records = churn.TenantRecords(tenant="acme", static_attributes="all", **tables)
        return churn.features(records, AS_OF).to_numpy().tobytes()

    assert bits(relations) == bits(tables)
    # duckdb can query a result of this package.
    matrix = churn.features(churn.TenantRecords(tenant="acme", **relations), AS_OF).to_arrow()
    assert connection.sql("select count(*) from matrix").fetchall() == [(len(matrix),)]


def test_html(records, model):
    run = model.score(records, AS_OF)
    labels = churn.labels(records, "2024-01-01", DEFINITION)
    for shown in (records, records.report, model, model.report, run, run.matrix, labels):
        html = shown._repr_html_()
        assert "<" in repr(shown) or repr(shown)
        assert html.count("<table") == html.count("</table>") and "<script" not in html
    assert "AUC" in model.report._repr_html_() and run.riskiest(1)[0].customer_id in run._repr_html_()
    customers = [{"customer_id": "<script>", "signed_up_at": "2024-01-01"}] * 2
    odd = churn.TenantRecords(tenant="<script>", customers=customers, on_invalid="quarantine")
    assert "<script" not in odd._repr_html_() + odd.report._repr_html_()


def test_progress_bar_is_tqdm(records, capfd):
    pytest.importorskip("tqdm")
    churn.ChurnModel.train(records, definition=DEFINITION, progress=True, **small())
    assert "100%" in capfd.readouterr().err


MODEL = RECORDS = None


def _score(_):
    return MODEL.score(RECORDS, AS_OF).probabilities.tobytes(), os.getpid()


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_preforked_workers(records, model):
    """The parent process computes scores and then forks workers, as the server gunicorn does. The scores that the
    workers compute are equal to those of the parent."""
    global MODEL, RECORDS
    MODEL, RECORDS = model, records
    expected = model.score(records, AS_OF).probabilities.tobytes()
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("fork")) as workers:
        answers = list(workers.map(_score, range(6)))
    assert {bits for bits, _ in answers} == {expected}
    assert os.getpid() not in {worker for _, worker in answers}
    assert model.score(records, AS_OF).probabilities.tobytes() == expected


def test_many_threads_at_once(records, model):
    def work(number):
        if number % 3 == 0:
            return churn.ChurnModel.train(records, definition=DEFINITION, **small()).id
        if number % 3 == 1:
            return churn.features(records, AS_OF).to_numpy().tobytes()
        return model.score(records, AS_OF).probabilities.tobytes()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(work, range(12)))
    assert all(len(set(answers[kind::3])) == 1 for kind in range(3))
    assert answers[0] == model.id
