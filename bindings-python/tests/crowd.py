"""Generates many customers by the rule that ``tests/src/golden/crowd.rs`` defines. Rust, Python and Node generate
identical customers."""

import hashlib
import struct
from datetime import UTC, datetime, timedelta

import churn_core as churn

START = datetime(2022, 1, 1, tzinfo=UTC)
DAY = 86_400
LENGTH = 900
AS_OF = "2024-06-01"


def tables(customers):
    state = 42

    def below(limit):
        nonlocal state
        state = (state * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
        return (state >> 8) % limit

    def moment(seconds):
        return START + timedelta(seconds=seconds)

    people, payments, tickets, activities = [], [], [], []
    for number in range(customers):
        customer_id = f"K-{number}"
        seats, plan, signed = below(20), below(3), below(300)
        unhappy = below(100) < 35
        leaves = signed + 60 + below(500) if unhappy else LENGTH
        every = 10 + below(25)
        plan = ("basic", "pro", "größer")[plan]
        people.append({"customer_id": customer_id, "signed_up_at": moment(signed * DAY), "seats": seats, "plan": plan})
        day = signed
        while day < min(leaves, LENGTH):
            at = day * DAY + below(DAY)
            payments.append({"customer_id": customer_id, "due_at": moment(at), "amount": below(10_000) / 100})
            if below(2) == 0:
                kind, quantity = ("login", "export")[below(2)], below(5) / 2
                activities.append({"customer_id": customer_id, "at": moment(at), "kind": kind, "quantity": quantity})
            if unhappy and below(6) == 0:
                priority, days, rating = ("low", "normal", "high", "urgent")[below(4)], below(20), below(6)
                ticket = {"customer_id": customer_id, "opened_at": moment(at), "resolved_at": None}
                if days:
                    ticket["resolved_at"] = moment(at + days * DAY)
                tickets.append(ticket | {"priority": priority, "satisfaction": rating or None})
            day += every
    return {"customers": people, "payments": payments, "tickets": tickets, "activities": activities}


def records(customers):
    return churn.TenantRecords(tenant="crowd", static_attributes="all", **tables(customers))


def fingerprint(model, records, threads):
    """Returns a SHA-256 hash of the numbers that the model computes: all probabilities, the base value and all
    contributions. Each number is hashed as eight little-endian bytes."""
    run = model.score(records, AS_OF, threads=threads)
    explanation = model.explain(run.matrix, threads=threads)
    digest = hashlib.sha256(run.probabilities.astype("<f8").tobytes())
    digest.update(struct.pack("<d", explanation.base_values[0]))
    digest.update(explanation.values.astype("<f8").tobytes())
    return digest.hexdigest()
