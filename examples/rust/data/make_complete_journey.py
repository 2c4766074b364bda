"""Creates the three tables of complete_journey/ from the original CSV files.

    python make_complete_journey.py FOLDER_OF_ORIGINALS

Households become customers, baskets become payments, and coupon redemptions become activities. See complete_journey/SOURCE.md.
"""

import csv
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

ORIGINALS = Path(sys.argv[1])
TARGET = Path(__file__).parent / "complete_journey"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEMOGRAPHICS = ["age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count"]


def read(name):
    with open(ORIGINALS / f"{name}.csv", newline="") as file:
        yield from csv.DictReader(file)


def write(name, header, rows):
    with open(TARGET / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


baskets = {}
cents = defaultdict(int)
for line in read("transactions_sample"):
    basket = str(int(float(line["basket_id"])))  # one id in the original file is written as 4.0128e+10
    moment = EPOCH + timedelta(seconds=float(line["transaction_timestamp"]))
    baskets[basket] = (line["household_id"], moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    cents[basket] += round(float(line["sales_value"]) * 100)

redemptions = []
for line in read("coupon_redemptions"):
    day = EPOCH + timedelta(days=float(line["redemption_date"]))
    redemptions.append((line["household_id"], day.strftime("%Y-%m-%d"), "coupon_redemption"))

demographics = {line["household_id"]: [line[name] for name in DEMOGRAPHICS] for line in read("demographics")}

households = {household for household, _ in baskets.values()} | {row[0] for row in redemptions} | set(demographics)
TARGET.mkdir(exist_ok=True)
write(
    "customers",
    ["customer_id", "signed_up_at", *DEMOGRAPHICS],
    ([household, "2017-01-01", *demographics.get(household, [""] * 7)] for household in sorted(households, key=int)),
)
write(
    "payments",
    ["payment_id", "customer_id", "due_at", "amount"],
    ([basket, *baskets[basket], f"{cents[basket] / 100:.2f}"] for basket in sorted(baskets, key=lambda basket: (baskets[basket][1], basket))),
)
write("activities", ["customer_id", "at", "kind"], sorted(redemptions, key=lambda row: (row[1], int(row[0]))))
