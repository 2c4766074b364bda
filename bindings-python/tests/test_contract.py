"""Tests that each error code has its exception class, and that invalid records give the same error codes as in Rust and
Node."""

import builtins

import churn_core as churn
import pytest
from churn_core import _errors
from fixtures import read, read_tables

ERRORS = read("contract.json")["errors"]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error["code"])
def test_exception(error):
    found = _errors.make(error["code"], "words")
    assert type(found).__name__ == error["python"] and getattr(churn, error["python"]) is type(found)
    assert isinstance(found, churn.ChurnError) and found.code == error["code"] and str(found) == "words"
    if error["python_base"]:
        assert isinstance(found, getattr(builtins, error["python_base"]))


def test_the_contract_is_complete():
    others = {error["code"] for error in ERRORS if "refused" not in error}
    assert others == set(_errors.CLASSES)
    classes = {kind for kind in vars(_errors).values() if isinstance(kind, type) and issubclass(kind, churn.ChurnError)}
    named = {getattr(churn, error["python"]) for error in ERRORS}
    # The base class and the class for missing files have no error code.
    assert classes - named == {churn.ChurnError, churn.FileMissingError}


@pytest.mark.parametrize("error", [error for error in ERRORS if "refused" in error], ids=lambda error: error["code"])
def test_refused(error):
    example = error["refused"]
    with pytest.raises(churn.ChurnError) as caught:
        churn.TenantRecords(tenant="acme", **read_tables(example["tables"]))
    found = caught.value
    assert type(found).__name__ == error["python"]
    assert (found.code, found.table, found.row, found.column) == (
        error["code"],
        example["table"],
        example["row"],
        example["column"],
    )
    assert found.report.issues[0].code == error["code"]


@pytest.mark.parametrize("error", [error for error in ERRORS if "blank_tenants" in error], ids=lambda error: error["code"])
def test_a_blank_tenant_is_refused(error):
    for tenant in error["blank_tenants"]:
        with pytest.raises(churn.InvalidOptionError) as caught:
            churn.TenantRecords(tenant=tenant, customers=[])
        assert (caught.value.code, caught.value.column) == (error["code"], error["column"])
