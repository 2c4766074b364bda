//! Converts a golden case to plain rows for the reference implementation. The library's validation code is not used.

use churn_core::RecordKind;
use serde_json::Value as Json;

use super::case::{Case, Row, moment, number};
use crate::raw::{
    ActivityRow, ActivityTable, Attribute, AttributeType, CustomerRow, CustomerTable, Decimal, PaymentRow,
    PaymentTable, Statics, TicketRow, TicketTable, World,
};

/// The optional columns of the customers table that are not attributes.
const CUSTOMERS: &[&str] = &["churned_at", "notice_at", "renews_at", "valid_from", "known_at"];
const PAYMENTS: &[&str] = &[
    "payment_id",
    "settled_at",
    "status",
    "refunded_at",
    "currency",
    "method",
    "known_at",
];
const TICKETS: &[&str] = &[
    "ticket_id",
    "first_response_at",
    "resolved_at",
    "reopened_at",
    "priority",
    "category",
    "channel",
    "satisfaction",
    "satisfaction_at",
    "known_at",
];
const ACTIVITIES: &[&str] = &["activity_id", "kind", "quantity", "known_at"];

fn given(rows: &[Row], columns: &[&'static str]) -> Vec<&'static str> {
    let anywhere = |name: &&&str| rows.iter().any(|row| row.get(name).is_some());
    columns.iter().filter(anywhere).copied().collect()
}

fn text(row: &Row, name: &str) -> Option<String> {
    match row.get(name)? {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the keyword (such as a status) in a column of a row, trimmed and in lower case.
fn word(row: &Row, name: &str) -> Option<&'static str> {
    let word = text(row, name)?.trim().to_lowercase();
    Some(Box::leak(word.into_boxed_str()))
}

fn at(row: &Row, name: &str) -> Option<i64> {
    row.get(name)?.as_str().map(moment)
}

fn required(row: &Row, name: &str) -> i64 {
    at(row, name).unwrap_or_else(|| panic!("a good row has {name}"))
}

fn id(row: &Row) -> String {
    text(row, "customer_id").expect("a good row has an id")
}

/// Converts a floating-point number to the decimal number from which it was parsed.
fn decimal(number: f64) -> Decimal {
    let text = number.to_string();
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    Decimal {
        units: format!("{whole}{rest}").parse().expect("a decimal"),
        places: rest.len() as u32,
    }
}

impl Case {
    /// Returns the valid rows of a table.
    fn good(&self, kind: RecordKind) -> Option<Vec<&Row>> {
        let bad = self.bad(kind);
        let rows = self.tables[kind as usize].as_ref()?.iter().enumerate();
        Some(
            rows.filter(|(position, _)| !bad.contains(&(*position as u64)))
                .map(|(_, row)| row)
                .collect(),
        )
    }

    fn columns(&self, kind: RecordKind, all: &[&'static str]) -> Vec<&'static str> {
        given(self.tables[kind as usize].as_deref().unwrap_or_default(), all)
    }

    /// Returns the tenant of the case as the plain rows (the "world") that the reference implementation reads.
    pub fn world(&self) -> World {
        let options = &self.head["options"];
        let statics = match &options["static_attributes"] {
            Json::Array(names) => Statics::Named(names.iter().filter_map(Json::as_str).map(str::to_owned).collect()),
            Json::String(_) => Statics::All,
            _ => Statics::None,
        };
        World {
            customers: self.customers(),
            payments: self.good(RecordKind::Payments).map(|rows| self.payments(&rows)),
            tickets: self.good(RecordKind::Tickets).map(|rows| TicketTable {
                columns: self.columns(RecordKind::Tickets, TICKETS),
                rows: rows.into_iter().map(ticket).collect(),
            }),
            activities: self.good(RecordKind::Activities).map(|rows| ActivityTable {
                columns: self.columns(RecordKind::Activities, ACTIVITIES),
                rows: rows.into_iter().map(activity).collect(),
            }),
            statics,
            observed_until: options["observed_until"].as_str().map(moment),
            dates: vec![],
        }
    }

    fn customers(&self) -> CustomerTable {
        let all = self.tables[0].as_deref().unwrap_or_default();
        let mut names: Vec<&String> = vec![];
        for (name, _) in all.iter().flat_map(|row| &row.0) {
            let known = CUSTOMERS.contains(&name.as_str()) || name == "customer_id" || name == "signed_up_at";
            if !known && !names.contains(&name) {
                names.push(name);
            }
        }
        let rows = self.good(RecordKind::Customers).unwrap_or_default();
        let kind = |name: &str| {
            let first = rows
                .iter()
                .filter_map(|row| row.get(name))
                .find(|value| !value.is_null());
            match first {
                Some(Json::String(_)) => AttributeType::Text,
                Some(Json::Bool(_)) => AttributeType::Bool,
                _ => AttributeType::Number,
            }
        };
        let attributes: Vec<(String, AttributeType)> =
            names.into_iter().map(|name| (name.clone(), kind(name))).collect();
        let value = |row: &Row, name: &str| match row.get(name)? {
            Json::String(text) => Some(Attribute::Text(text.clone())),
            Json::Bool(yes) => Some(Attribute::Bool(*yes)),
            other => number(other).filter(|number| !number.is_nan()).map(Attribute::Number),
        };
        let row = |row: &&Row| CustomerRow {
            customer_id: id(row),
            signed_up_at: required(row, "signed_up_at"),
            churned_at: at(row, "churned_at"),
            notice_at: at(row, "notice_at"),
            renews_at: at(row, "renews_at"),
            valid_from: at(row, "valid_from"),
            known_at: at(row, "known_at"),
            attributes: attributes.iter().map(|(name, _)| value(row, name)).collect(),
        };
        CustomerTable {
            columns: self.columns(RecordKind::Customers, CUSTOMERS),
            rows: rows.iter().map(row).collect(),
            attributes,
        }
    }

    fn payments(&self, rows: &[&Row]) -> PaymentTable {
        let options = &self.head["options"];
        let rate = |row: &Row| {
            let code = word(row, "currency")?.to_uppercase();
            options["conversion_rates"][code].as_f64()
        };
        let payment = |row: &&Row| {
            let mut amount = decimal(number(row.get("amount").expect("an amount")).expect("a number"));
            if let Some(rate) = rate(row).map(decimal) {
                amount.units *= rate.units;
                amount.places += rate.places;
            }
            PaymentRow {
                payment_id: text(row, "payment_id"),
                customer_id: id(row),
                due_at: required(row, "due_at"),
                amount,
                settled_at: at(row, "settled_at"),
                status: word(row, "status"),
                refunded_at: at(row, "refunded_at"),
                currency: word(row, "currency"),
                method: word(row, "method"),
                known_at: at(row, "known_at"),
            }
        };
        let currency = rows.iter().find_map(|row| word(row, "currency"));
        let digits = match currency {
            Some("jpy") => 0,
            Some("kwd") => 3,
            _ => 2,
        };
        PaymentTable {
            columns: self.columns(RecordKind::Payments, PAYMENTS),
            digits,
            rows: rows.iter().map(payment).collect(),
        }
    }
}

fn ticket(row: &Row) -> TicketRow {
    TicketRow {
        ticket_id: text(row, "ticket_id"),
        customer_id: id(row),
        opened_at: required(row, "opened_at"),
        first_response_at: at(row, "first_response_at"),
        resolved_at: at(row, "resolved_at"),
        reopened_at: at(row, "reopened_at"),
        priority: word(row, "priority"),
        category: None,
        channel: None,
        satisfaction: row.get("satisfaction").and_then(number),
        satisfaction_at: at(row, "satisfaction_at"),
        known_at: at(row, "known_at"),
    }
}

fn activity(row: &Row) -> ActivityRow {
    ActivityRow {
        activity_id: text(row, "activity_id"),
        customer_id: id(row),
        at: required(row, "at"),
        kind: text(row, "kind"),
        quantity: row.get("quantity").and_then(number),
        known_at: at(row, "known_at"),
    }
}
