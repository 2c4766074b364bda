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
