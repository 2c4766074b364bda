//! Formats numbers, dates and values as text, and encodes text for URLs.

use churn_core::Timestamp;
use churn_core::Value;

/// A number on a page. It has an exact value for programs (`<data value="…">`), and a rounded text for people.
#[derive(Clone, Debug, Default)]
pub struct Number {
    pub value: String,
    pub text: String,
}

impl Number {
    /// Formats a probability, or another number between 0 and 1, in percent.
    pub fn percent(value: f64) -> Self {
        Self {
            value: value.to_string(),
            text: format!("{:.1}\u{a0}%", 100.0 * value),
        }
    }

    /// Formats a number with three decimals.
    pub fn decimal(value: f64) -> Self {
        Self {
            value: value.to_string(),
            text: format!("{value:.3}"),
        }
    }

    /// Formats a contribution in log-odds with its sign.
    pub fn signed(value: f64) -> Self {
        Self {
            value: value.to_string(),
            text: format!("{value:+.2}"),
        }
    }
}

/// Formats a time in UTC. The time of day is left out if it is midnight.
pub fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('T') {
        Some((date, time)) if time.starts_with("00:00:00Z") => date.to_owned(),
        Some((date, time)) => format!("{date} {} UTC", time.get(..5).unwrap_or(time)),
        None => text,
    }
}

/// Formats a time that is given in microseconds since 1970.
pub fn moment_of(micros: i64) -> String {
    Timestamp::from_micros(micros).map(moment).unwrap_or_default()
}

/// Formats a value of a record.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(value) => if *value { "yes" } else { "no" }.to_owned(),
        Value::Int(value) => value.to_string(),
        Value::UInt(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => text.clone(),
        Value::Timestamp(micros) => moment_of(*micros),
        _ => String::new(),
    }
}

/// Returns the first 12 characters of a model's id.
pub fn short(id: &str) -> String {
    id.chars().take(12).collect()
}

/// Percent-encodes a text, so that it can be a segment of a URL's path or a value in its query string.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte as char),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_exact_value() {
        let number = Number::percent(0.1 + 0.2);
        assert_eq!(
            (number.value.as_str(), number.text.as_str()),
            ("0.30000000000000004", "30.0\u{a0}%")
        );
        assert_eq!(number.value.parse(), Ok(0.1 + 0.2));
    }

    #[test]
    fn dates_and_times_are_in_utc() {
        let at = |text: &str| moment(text.parse().unwrap());
        assert_eq!(at("2026-03-02"), "2026-03-02");
        assert_eq!(at("2026-03-02T13:30:59.5+01:00"), "2026-03-02 12:30 UTC");
    }

    #[test]
    fn addresses_are_encoded() {
        assert_eq!(encode("C-1/../\"<ü"), "C-1%2F..%2F%22%3C%C3%BC");
    }
}
