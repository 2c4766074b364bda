"""The exceptions of the package, and the table that maps the stable error codes of the library to exception classes."""

from __future__ import annotations

from typing import Any


class ChurnError(Exception):
    """Base class of all errors of this package.

    Attributes:
        code: Stable error code, such as ``"bad_timestamp"``. Rust, Python and Node use the same codes.
        table: The table with the error, such as ``"payments"``; None if the error does not concern a table.
        row: 0-based position of the input row that contains the error.
        column: The name of the column, feature, argument or option with the error.
        report: The whole `ValidationReport` if invalid records were refused, otherwise None.
        retryable: Whether the same call may succeed if it is repeated later. For example, this is true if the database
            was busy.
    """

    code: str = "internal"
    table: str | None = None
    row: int | None = None
    column: str | None = None
    report: Any = None
    retryable: bool = False

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in self.__dict__.items() if name != "report"}
        return (type(self), self.args, state)


class ChurnWarning(UserWarning):
    """A warning about a likely problem of a training run, a score run or a score. The `Warning` with the details is in
    `TrainReport.warnings`, `ScoreRun.warnings` or `Score.warnings`.
    """


class InvalidRecordsError(ChurnError, ValueError):
    """The records contain invalid values. The attribute `report` lists all invalid values."""


class UnreadableTableError(ChurnError, ValueError):
    """A table cannot be read. The error concerns the table as a whole, not a single value."""


class InvalidOptionError(ChurnError, ValueError):
    """An argument or option has an invalid value. `column` is the name of the argument or option."""


class TenantMismatchError(ChurnError, ValueError):
    """The records and the model belong to different tenants."""


class TrainingError(ChurnError, ValueError):
    """Training is not possible. For example, all labels are the same, there is too little data, a label period is not
    over yet, or a column leaks the target (reveals the label)."""


class FeatureMismatchError(ChurnError, ValueError):
    """The columns of the records or of the matrix do not match the columns that the model was trained on."""


class CustomerNotFoundError(ChurnError, KeyError):
    """The customer is not in the records or the run."""


class UnknownFeatureError(ChurnError, KeyError):
    """The model or the matrix has no feature with this name."""


class NotEligibleError(ChurnError, ValueError):
    """The customer cannot be scored at ``as_of``, or no customer can be scored at this date. For example, a customer
    who has already churned is not eligible for a score."""


class CancelledError(ChurnError):
    """The call was cancelled before it finished."""


class ArtifactError(ChurnError, ValueError):
    """The bytes are not a model file, or the model file is damaged or has an unsupported version."""


class ImportFailedError(ChurnError, ValueError):
    """A model of another library cannot be imported, because it is damaged or not supported."""


class FileError(ChurnError, OSError):
    """A file could not be read or written."""


class FileMissingError(FileError, FileNotFoundError):
    """The file does not exist."""


class StoreError(ChurnError, OSError):
    """A call of the store failed. For example, the database cannot be reached, is full, or has an unsupported
    version."""


class NotFoundError(ChurnError, LookupError):
    """The store has no model, run or API key with the requested id for this tenant."""


class InternalError(ChurnError, RuntimeError):
    """An error inside the library that should not occur. Please report it as a bug."""


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


for _kind in {ChurnError, ChurnWarning, InvalidRecordsError, FileMissingError, *CLASSES.values()}:
    # Tracebacks show this public module name instead of `churn_core._errors`.
    _kind.__module__ = "churn_core"


def make(
    code: str,
    message: str,
    table: str | None = None,
    row: int | None = None,
    column: str | None = None,
    report: Any = None,
    missing: bool = False,
    retryable: bool = False,
) -> ChurnError:
    """Makes the exception for an error code. If `CLASSES` does not contain the code, makes an `InvalidRecordsError`."""
    kind = FileMissingError if missing else CLASSES.get(code, InvalidRecordsError)
    error = kind(message)
    error.code, error.table, error.row, error.column, error.report = code, table, row, column, report
    error.retryable = retryable
    if kind is InvalidRecordsError and report is not None:
        error.add_note('on_invalid="quarantine" leaves invalid rows out and lists them in the report.')
    return error
