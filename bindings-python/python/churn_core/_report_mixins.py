"""Hand-written methods of the generated report classes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ._report import Estimate, Interval, Measures, OutOfTime, TrainReport

#: The metrics of a report and their titles.
_METRICS = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "calibration_slope": "calibration slope",
    "base_rate_shift": "base-rate shift",
    "top_decile_lift": "top-decile lift",
}


class EstimateMixin:
    """Methods of `Estimate`."""

    @property
    def interval(self) -> Interval:
        """The 90 % confidence interval."""
        from ._report import Interval

        own = cast("Estimate", self)
        return Interval(own.low, own.high)

    def __str__(self) -> str:
        own = cast("Estimate", self)
        return f"{own.value:.3f} ({own.low:.3f} to {own.high:.3f})"


class MeasuresMixin:
    """Methods of `Measures`."""

    def _estimates(self) -> list[tuple[str, Estimate]]:
        """The metrics that are defined, by title."""
        found: list[tuple[str, Estimate | None]] = [(title, getattr(self, name)) for name, title in _METRICS.items()]
        return [(title, estimate) for title, estimate in found if estimate is not None]

    def _rows(self) -> str:
        """The metrics as rows of an HTML table, with their intervals."""
        return "".join(
            f"<tr><th>{title}</th><td>{estimate.value:.3f}</td><td>{estimate.low:.3f} to {estimate.high:.3f}</td></tr>"
            for title, estimate in self._estimates()
        )

    def __str__(self) -> str:
        own = cast("Measures", self)
        lines = [f"{own.rows} rows, {own.churned} churned; mean probability {own.mean_probability:.3f}"]
        lines += [f"{title:<18} {estimate}" for title, estimate in self._estimates()]
        return "\n".join(lines)


class OutOfTimeMixin:
    """Methods of `OutOfTime`."""

    def __str__(self) -> str:
        own = cast("OutOfTime", self)
        return f"out-of-time test at {own.test_date:%Y-%m-%d}\n{_indented(str(own.measures))}"


class TrainReportMixin:
    """Methods of `TrainReport`."""

    def __repr__(self) -> str:
        own = cast("TrainReport", self)
        test = own.out_of_time
        tested = f"out of time at {test.test_date:%Y-%m-%d}" if test else "cross-validated"
        measures = test.measures if test else own.cross_validated
        shown = "not defined" if measures.roc_auc is None else str(measures.roc_auc)
        return (
            f"<TrainReport: {own.rows} rows, {own.churned} churned; AUC {shown}, {tested} "
            f"on {measures.rows} rows, {measures.churned} churned>"
        )

    def __str__(self) -> str:
        return "\n".join(f"{title}\n{_indented(text)}" for title, text in _sections(cast("TrainReport", self)))

    def _repr_html_(self) -> str:
        own = cast("TrainReport", self)
        test = own.out_of_time
        title = f"out of time, {test.test_date:%Y-%m-%d}" if test else "cross-validated"
        measures = test.measures if test else own.cross_validated
        metrics = (
            f"<table><tr><th colspan=3>{title}: {measures.rows} rows, {measures.churned} churned</th></tr>"
            f"{measures._rows()}</table>"
        )
        bands = "".join(
            f"<tr><th>{band.band}</th><td>{band.rows}</td><td>{_share(band.mean_probability)}</td>"
            f"<td>{_share(band.churn_rate)}</td></tr>"
            for band in own.bands
        )
        head = "<tr><th>risk band</th><th>rows</th><th>predicted</th><th>observed</th></tr>"
        rest = [(title, text) for title, text in _sections(own) if title in _TEXT_SECTIONS]
        texts = "".join(f"<p><b>{escape(title)}</b><br>{escape(text).replace(chr(10), '<br>')}</p>" for title, text in rest)
        return f"<b>{own.rows} rows, {own.churned} churned</b>{metrics}<table>{head}{bands}</table>{texts}"


_TEXT_SECTIONS = ("Training", "Members", "Findings", "No out-of-time test")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _sections(own: TrainReport) -> list[tuple[str, str]]:
    """Titles and texts of the sections of the printed report."""
    dates = ", ".join(f"{date:%Y-%m-%d}" for date in own.training_dates)
    training = [f"{own.rows} customer-date pairs, {own.churned} churned, {own.excluded} excluded", f"dates: {dates}"]
    if own.observed_from is not None and own.observed_until is not None:
        training.append(f"history: {own.observed_from:%Y-%m-%d} to {own.observed_until:%Y-%m-%d}")
    if own.subsampled:
        training.append(f"{own.subsampled} pairs were not sampled (max_rows)")
    if own.truncated_windows:
        windows = ", ".join(str(days) for days in own.truncated_windows)
        training.append(f"windows that begin before the history: {windows} days")
    sections = [("Training", "\n".join(training))]
    test = own.out_of_time
    if test is not None:
        sections.append((f"Out-of-time test at {test.test_date:%Y-%m-%d}", str(test.measures)))
    elif own.out_of_time_reason is not None:
        sections.append(("No out-of-time test", own.out_of_time_reason))
    sections.append(("Cross-validated", str(own.cross_validated)))
    bands = [
        f"{band.band:<9} from {band.from_:.3f}: {band.rows} rows, predicted {_share(band.mean_probability)}, "
        f"observed {_share(band.churn_rate)}"
        for band in own.bands
    ]
    sections.append((f"Calibration by risk band ({own.calibration})", "\n".join(bands)))
    rates = [
        f"{at.as_of:%Y-%m-%d}: {at.rows} rows, churn rate {at.churn_rate:.3f}, predicted {at.mean_probability:.3f}"
        for at in own.dates
    ]
    if rates:
        sections.append(("Churn rate by training date", "\n".join(rates)))
    members = [f"{member.name}: weight {member.weight:.3f}, log-loss {member.log_loss:.4f}" for member in own.members]
    members += [f"{member.name}: dropped, {member.reason}" for member in own.dropped_members]
    sections.append(("Members", "\n".join(members)))
    findings = [f"{found.column} ({found.leak}, {found.action}): {found.evidence}" for found in own.leaks]
    sections.append(("Findings", "\n".join(findings) if findings else "none"))
    return sections
