"""Tests that a backtest trains only on data from before the test date, and that the report proves this."""

import churn_core as churn
import pytest
from conftest import DEFINITION, small


def test_backtest(records):
    heard = []
    folds = churn.backtest(
        records, DEFINITION, origins=["2024-04-01", "2024-02-01"], progress=lambda *news: heard.append(news), **small()
    )
    assert [f"{fold.test_date:%Y-%m-%d}" for fold in folds] == ["2024-02-01", "2024-04-01"] and heard
    for fold in folds:
        assert fold.proof.last_label_end <= fold.proof.test_date == fold.test_date
        assert fold.proof.last_training_date < fold.test_date and fold.measures.rows > 0
    with pytest.raises(churn.TrainingError) as caught:
        churn.backtest(records, DEFINITION, origins="2023-02-01", **small())
    assert caught.value.code == "nothing_after_purge"
    with pytest.raises(TypeError, match="colour"):
        churn.backtest(records, DEFINITION, colour="red")
