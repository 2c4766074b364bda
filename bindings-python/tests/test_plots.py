"""Tests that the plots show the right data."""

import churn_core as churn
import pytest
from conftest import AS_OF, DEFINITION

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from churn_core import plots  # noqa: E402


def test_plots(model, records):
    runs = [model.score(records, at) for at in ("2024-01-01", AS_OF)]
    worst = runs[-1].riskiest(1)[0].customer_id
    labels = churn.labels(records, "2024-01-01", DEFINITION)
    gains = plots.gains(runs[0].probabilities, labels.churned)
    assert gains.lines[0].get_ydata()[-1] == 1.0
    assert plots.lift(runs[0].probabilities, labels.churned, ax=gains) is gains
    assert plots.calibration(model).get_title() == "Calibration"
    assert sum(patch.get_height() for patch in plots.risk(runs[-1]).patches) == len(runs[-1])
    assert len(plots.reasons(runs[-1], worst, top=4).patches) == 4
    assert len(plots.over_time(runs, worst).lines[0].get_xdata()) == 2
    matplotlib.pyplot.close("all")
