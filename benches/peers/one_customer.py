"""Measures how long it takes to score one customer with a model of default size. The customer has 20 payments and 5
tickets, and five reasons are computed.

Run it with the release build of the package: ``python benches/peers/one_customer.py``.
"""

import sys
import time
from datetime import date, timedelta
from pathlib import Path

import churn_core as churn

sys.path.insert(0, str(Path(__file__).parents[2] / "bindings-python/tests"))
import crowd  # noqa: E402

CALLS = 5_000


def day(before):
    return str(date(2024, 5, 31) - timedelta(days=before))


model = churn.ChurnModel.train(crowd.records(2_000), definition=churn.Inactivity(horizon=45))
customer = {"customer_id": "C-1", "signed_up_at": "2023-07-01", "seats": 3, "plan": "pro"}
payments = [{"due_at": day(number * 15), "amount": 10 + number % 7} for number in range(20)]
tickets = [
    {"opened_at": day(n * 60 + 3), "resolved_at": day(n * 60), "priority": "high", "satisfaction": 3} for n in range(5)
]

micros = []
for call in range(CALLS + CALLS // 10):
    start = time.perf_counter()
    answer = model.score_customer(customer, payments, tickets, [], as_of="2024-06-01")
    micros.append((time.perf_counter() - start) * 1e6)
    assert len(answer.reasons) == 5
micros = sorted(micros[CALLS // 10 :])
print(f"Python: p50 {micros[CALLS // 2]:.0f} us, p99 {micros[CALLS * 99 // 100]:.0f} us over {CALLS} calls")
