"""Stores the bundled Complete Journey data, trains a model on the stored records, and stores the model and its scores.
The program then opens the store again, as after a restart, and loads the records, the model and the scores.

Usage: store.py [URL]
The URL is sqlite:churn.db, or postgres://user:password@host/database. Without a URL, a temporary SQLite file is used.
"""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import churn_core as churn
import pandas as pd

DATA = Path(__file__).parents[1] / "rust/data/complete_journey"
AS_OF = "2018-01-01"  # the data end on this date, so it is not known who will churn in the next 30 days
READING: dict[str, Any] = {"static_attributes": "all", "observed_from": "2017-01-01", "observed_until": AS_OF}


def fill_and_train(url: str) -> churn.ScoreRun:
    with churn.Store.open(url) as store:
        tenant = store.tenant("complete-journey")
        for name in ("customers", "payments", "activities"):
            repository = getattr(tenant, name)
            # The CSV file is read in batches, so that the whole file need not fit into memory. All batches are stored in
            # one transaction.
            pieces = pd.read_csv(DATA / f"{name}.csv", dtype={"customer_id": str, "payment_id": str}, chunksize=20_000)
            done = repository.upsert_batches(pieces)
            print(f"{name}: {done.rows_in} rows, {done.rows_changed} new or changed")

        records = tenant.records(**READING)
        definition = churn.Inactivity(horizon=30, active_within=90, on="payments")
        model = churn.ChurnModel.train(records, definition=definition, seed=0)
        run = model.score(records, as_of=AS_OF)
        now = datetime.now(UTC)
        tenant.models.save(model, at=now)
        tenant.scores.save(model, run, at=now)
        tenant.audit.append("example", "model.trained", at=now, subject=model.id)
        return run


def find_again(url: str, before: churn.ScoreRun) -> None:
    with churn.Store.open(url) as store:
        tenant = store.tenant("complete-journey")
        model = tenant.models.champion()
        assert model is not None
        run = model.score(tenant.records(**READING), as_of=AS_OF)
        assert run.probabilities.tobytes() == before.probabilities.tobytes(), "stored models and records give bit-identical scores"
        [latest] = tenant.scores.runs(limit=1)
        print(f"As of {latest.id.as_of:%Y-%m-%d}: {latest.scored} households, {latest.bands}. Highest risk:")
        for score in tenant.scores.high_risk(5).scores:
            print(f"  household {score.customer_id:<6} {score.probability:6.1%}  {score.reasons[0].text}")
        print(str(store.attest()).splitlines()[-1])


def main(url: str) -> None:
    find_again(url, fill_and_train(url))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(f"sqlite://{folder}/churn.db")
