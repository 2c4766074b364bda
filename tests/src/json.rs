//! Writes a random tenant (a "world") as JSON rows. A value can be written in several permitted ways, and one of them
//! is chosen at random.
//!
//! The first row contains all columns of the table. Later rows may omit columns whose value is null.

use churn_core::Timestamp;

use crate::dice::Dice;
use crate::raw::{ActivityRow, Attribute, CustomerTable, Decimal, HOUR, PaymentRow, TicketRow};

/// A JSON row that is being written.
struct Object<'d> {
    text: String,
    dice: &'d mut Dice,
    first: bool,
}

impl Object<'_> {
    fn value(&mut self, column: &str, value: &str) {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        self.text.push_str(&quoted(column));
        self.text.push(':');
        self.text.push_str(value);
    }

    fn null(&mut self, column: &str) {
        if self.first || self.dice.chance(50) {
            self.value(column, "null");
        }
    }

    fn optional<T>(&mut self, columns: &[&str], column: &str, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        match value {
            _ if !columns.contains(&column) => {}
            None => self.null(column),
            Some(value) => put(self, value),
        }
    }

    /// Adds an id to the row. An id that consists of digits may be written as a number.
    fn id(&mut self, column: &str, id: &str) {
        let number = id.parse::<i64>().is_ok_and(|number| number.to_string() == id);
        match number && self.dice.chance(50) {
            true => self.value(column, id),
            false => self.value(column, &quoted(id)),
        }
    }

    fn moment(&mut self, column: &str, micros: i64) {
        let text = iso(micros, self.dice);
        self.value(column, &quoted(&text));
    }

    fn word(&mut self, column: &str, word: &str) {
        let word = match self.dice.between(0, 9) {
            0 => word.to_uppercase(),
            1 => format!(" {word} "),
            _ => word.to_owned(),
        };
        self.value(column, &quoted(&word));
    }

    fn text(&mut self, column: &str, text: &str) {
        self.value(column, &quoted(text));
    }

    fn number(&mut self, column: &str, number: f64) {
        self.value(column, &format!("{number}"));
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// Writes a timestamp in ISO 8601, with or without time, zone and offset.
fn iso(micros: i64, dice: &mut Dice) -> String {
    let show = |micros| Timestamp::from_micros(micros).expect("within the calendar").to_string();
    let with_time = |text: String| match text.strip_suffix('Z') {
        Some(naive) => naive.to_owned(),
        None => text + "T00:00:00",
    };
    match dice.between(0, 5) {
        0 => with_time(show(micros)),
        1 => with_time(show(micros)).replace('T', " "),
        2 => with_time(show(micros + 2 * HOUR)) + "+02:00",
        3 => with_time(show(micros - 5 * HOUR - HOUR / 2)) + "-0530",
        4 => with_time(show(micros)) + "Z",
        _ => show(micros),
    }
}

fn decimal(amount: Decimal) -> String {
    let unit = 10i64.pow(amount.places);
    let sign = if amount.units < 0 { "-" } else { "" };
    let (whole, rest) = (amount.units.abs() / unit, amount.units.abs() % unit);
    match amount.places {
        0 => format!("{sign}{whole}"),
        places => format!("{sign}{whole}.{rest:0width$}", width = places as usize),
    }
}

fn table<R>(rows: &[R], dice: &mut Dice, mut put: impl FnMut(&mut Object<'_>, &R)) -> Vec<u8> {
    let mut text = String::from("[");
    for (position, row) in rows.iter().enumerate() {
        let first = position == 0;
        let mut object = Object {
            text: String::new(),
            dice,
            first,
        };
        put(&mut object, row);
        text.push_str(if first { "" } else { ",\n" });
        text.push_str(&object.text);
        text.push('}');
    }
    text.push(']');
    text.into_bytes()
}

/// Writes the customers table as JSON rows.
pub fn customers(customers: &CustomerTable, dice: &mut Dice) -> Vec<u8> {
    let columns = &customers.columns;
    table(&customers.rows, dice, |object, row| {
        object.id("customer_id", &row.customer_id);
        object.moment("signed_up_at", row.signed_up_at);
        for (column, value) in [
            ("churned_at", row.churned_at),
            ("notice_at", row.notice_at),
            ("renews_at", row.renews_at),
            ("valid_from", row.valid_from),
            ("known_at", row.known_at),
        ] {
            object.optional(columns, column, value, |o, at| o.moment(column, at));
        }
        for ((name, _), value) in customers.attributes.iter().zip(&row.attributes) {
            match value {
                None => object.null(name),
                Some(Attribute::Number(number)) => object.number(name, *number),
                Some(Attribute::Text(text)) => object.text(name, text),
                Some(Attribute::Bool(yes)) => object.value(name, &yes.to_string()),
            }
        }
    })
}

/// Writes the payments table as JSON rows.
pub fn payments(columns: &[&str], rows: &[PaymentRow], dice: &mut Dice) -> Vec<u8> {
    table(rows, dice, |object, row| {
        object.optional(columns, "payment_id", row.payment_id.as_deref(), |o, id| {
            o.id("payment_id", id);
        });
        object.id("customer_id", &row.customer_id);
        object.moment("due_at", row.due_at);
        object.value("amount", &decimal(row.amount));
        for (column, word) in [("status", row.status), ("currency", row.currency)] {
            object.optional(columns, column, word, |o, word| o.word(column, word));
        }
        object.optional(columns, "method", row.method, |o, text| o.text("method", text));
        for (column, value) in [
            ("settled_at", row.settled_at),
            ("refunded_at", row.refunded_at),
            ("known_at", row.known_at),
        ] {
            object.optional(columns, column, value, |o, at| o.moment(column, at));
        }
    })
}

/// Writes the tickets table as JSON rows.
pub fn tickets(columns: &[&str], rows: &[TicketRow], dice: &mut Dice) -> Vec<u8> {
    table(rows, dice, |object, row| {
        object.optional(columns, "ticket_id", row.ticket_id.as_deref(), |o, id| {
            o.id("ticket_id", id);
        });
        object.id("customer_id", &row.customer_id);
        object.moment("opened_at", row.opened_at);
        object.optional(columns, "priority", row.priority, |o, word| o.word("priority", word));
        for (column, text) in [("category", row.category), ("channel", row.channel)] {
            object.optional(columns, column, text, |o, text| o.text(column, text));
        }
        object.optional(columns, "satisfaction", row.satisfaction, |o, number| {
            o.number("satisfaction", number);
        });
        for (column, value) in [
            ("first_response_at", row.first_response_at),
            ("resolved_at", row.resolved_at),
            ("reopened_at", row.reopened_at),
            ("satisfaction_at", row.satisfaction_at),
            ("known_at", row.known_at),
        ] {
            object.optional(columns, column, value, |o, at| o.moment(column, at));
        }
    })
}

/// Writes the activities table as JSON rows.
pub fn activities(columns: &[&str], rows: &[ActivityRow], dice: &mut Dice) -> Vec<u8> {
    table(rows, dice, |object, row| {
        object.optional(columns, "activity_id", row.activity_id.as_deref(), |o, id| {
            o.id("activity_id", id);
        });
        object.id("customer_id", &row.customer_id);
        object.moment("at", row.at);
        object.optional(columns, "kind", row.kind.as_deref(), |o, text| o.text("kind", text));
        object.optional(columns, "quantity", row.quantity, |o, number| {
            o.number("quantity", number);
        });
        object.optional(columns, "known_at", row.known_at, |o, at| o.moment("known_at", at));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_timestamp_is_equivalent() {
        let mut dice = Dice::new(1);
        for micros in [0, -1, 1_600_000_000_123_456, 1_500_000_000_000_000] {
            for _ in 0..50 {
                let text = iso(micros, &mut dice);
                assert_eq!(text.parse::<Timestamp>().unwrap().as_micros(), micros, "{text}");
            }
        }
    }

    #[test]
    fn writes_decimals() {
        assert_eq!(
            decimal(Decimal {
                units: -1005,
                places: 3
            }),
            "-1.005"
        );
        assert_eq!(decimal(Decimal { units: 7, places: 2 }), "0.07");
        assert_eq!(decimal(Decimal { units: 12, places: 0 }), "12");
    }
}
