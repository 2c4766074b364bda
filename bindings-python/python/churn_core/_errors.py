"""The exceptions. One table maps the library's stable codes to classes."""

from __future__ import annotations

from typing import Any


class ChurnError(Exception):
    """Base of all errors of this package.

    Attributes:
        code: Stable name of what went wrong, equal in Rust, Python and Node: ``"bad_timestamp"``.
        table: The table at fault, where one is: ``"payments"``.
        row: 0-based position of the row at fault in what was given.
        column: The column, feature, argument or option at fault.
        report: The whole `ValidationReport`, where records were refused.
    """

    code: str = "internal"
    table: str | None = None
    row: int | None = None
    column: str | None = None
    report: Any = None

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in self.__dict__.items() if name != "report"}
        return (type(self), self.args, state)


class InvalidRecordsError(ChurnError, ValueError):
    """Records were refused; `report` has every bad value."""


class UnreadableTableError(ChurnError, ValueError):
    """A table as a whole cannot be read."""


class InvalidOptionError(ChurnError, ValueError):
    """Invalid value for an argument or option; `column` names it."""


class TenantMismatchError(ChurnError, ValueError):
    """Records and model are of different tenants."""


class TrainingError(ChurnError, ValueError):
    """There is nothing to learn: a single class, too little data, immature labels, or leaking columns."""


class FeatureMismatchError(ChurnError, ValueError):
    """The records or matrix do not have the columns the model was trained on."""


class CustomerNotFoundError(ChurnError, KeyError):
    """No such customer in the records or the run."""


class UnknownFeatureError(ChurnError, KeyError):
    """No such feature in the plan or matrix."""


class NotEligibleError(ChurnError, ValueError):
    """The customer is known but has no label period to predict."""


class CancelledError(ChurnError):
    """The work was cancelled."""


class ArtifactError(ChurnError, ValueError):
    """The bytes are not a model file, were damaged, or are of another version."""


class ImportFailedError(ChurnError, ValueError):
    """A model of another library is not supported or damaged."""


class FileError(ChurnError, OSError):
    """A file could not be read or written."""


class FileMissingError(FileError, FileNotFoundError):
    """There is no such file."""


class StoreError(ChurnError, OSError):
    """The store cannot be reached, is full, is of another version, or its tenants are not isolated."""


class NotFoundError(ChurnError, LookupError):
    """The tenant's store has no such model, run or key."""


class InternalError(ChurnError, RuntimeError):
    """A fault of this library; please report it."""


CLASSES: dict[str, type[ChurnError]] = {
    "unreadable_table": UnreadableTableError,
    "tenant_mismatch": TenantMismatchError,
    "invalid_option": InvalidOptionError,
    "immature_label": TrainingError,
    "single_class": TrainingError,
    "too_little_data": TrainingError,
    "nothing_after_purge": TrainingError,
    "leakage": TrainingError,
    "feature_mismatch": FeatureMismatchError,
    "customer_not_found": CustomerNotFoundError,
    "not_eligible": NotEligibleError,
    "no_eligible_customers": NotEligibleError,
    "unknown_feature": UnknownFeatureError,
    "cancelled": CancelledError,
    "artifact_damaged": ArtifactError,
    "artifact_version": ArtifactError,
    "artifact_too_large": ArtifactError,
    "import_failed": ImportFailedError,
    "io": FileError,
    "store_unavailable": StoreError,
    "store_busy": StoreError,
    "store_full": StoreError,
    "store_newer": StoreError,
    "store_not_migrated": StoreError,
    "store_damaged": StoreError,
    "store_refused": StoreError,
    "not_isolated": StoreError,
    "not_found": NotFoundError,
    "internal": InternalError,
}


for _kind in {ChurnError, InvalidRecordsError, FileMissingError, *CLASSES.values()}:
    # As users catch them.
    _kind.__module__ = "churn_core"


def make(
    code: str,
    message: str,
    table: str | None = None,
    row: int | None = None,
    column: str | None = None,
    report: Any = None,
    missing: bool = False,
) -> ChurnError:
    """The exception of a code; a code that is not in the table is one of refused records."""
    kind = FileMissingError if missing else CLASSES.get(code, InvalidRecordsError)
    error = kind(message)
    error.code, error.table, error.row, error.column, error.report = code, table, row, column, report
    if kind is InvalidRecordsError and report is not None:
        error.add_note('on_invalid="quarantine" leaves invalid rows out and lists them in the report.')
    return error
