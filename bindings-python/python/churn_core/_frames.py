"""Conversion of results to frames of pandas, polars and pyarrow. Each library is imported on first use."""

from __future__ import annotations

from typing import Any


def to_pandas(columns: list[tuple[str, Any]]) -> Any:
    import pandas as pd

    def column(values: Any) -> Any:
        if getattr(values, "dtype", None) is not None and values.dtype.kind == "M":
            return pd.DatetimeIndex(values).tz_localize("UTC")
        return values

    return pd.DataFrame({name: column(values) for name, values in columns}, copy=False)


def to_polars(frame: Any) -> Any:
    import polars as pl

    return pl.DataFrame(frame)


def to_arrow(frame: Any) -> Any:
    import pyarrow as pa

    return pa.table(frame)


def without_null_type(frame: Any) -> Any:
    """Replaces each column of Arrow's null type with a text column in which all values are missing."""
    if hasattr(frame, "with_columns"):
        import polars as pl

        return frame.with_columns(pl.col(pl.Null).cast(pl.String))
    import pyarrow as pa

    table = pa.table(frame)
    for place, field in enumerate(table.schema):
        if pa.types.is_null(field.type):
            table = table.set_column(place, field.name, pa.nulls(len(table), pa.string()))
    return table
