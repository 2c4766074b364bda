//! Timestamps and time spans. This module does not read the clock. The current time is always an argument.
//!
//! A [`Timestamp`] is a number of whole microseconds since 1970-01-01 in UTC. A date without a time means midnight UTC.
//! A date-time without an offset is in UTC. A day has exactly 86 400 s.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// Microseconds per day.
pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Microseconds per hour.
pub(crate) const MICROS_PER_HOUR: i64 = 3_600_000_000;
/// The longest accepted time span in days: the number of days in the years 1 to 9999.
pub(crate) const MOST_DAYS: u32 = 3_652_059;

/// A point in time in UTC: microseconds since 1970-01-01, within the years 1 to 9999.
///
/// The text form is ISO-8601. A date without a time means midnight UTC, and a date-time without an offset is in UTC.
/// Formats that depend on a locale, such as `01.03.2024`, are not accepted.
///
/// Serde serialises a timestamp as ISO-8601 text in human-readable formats such as JSON, and as the number of
/// microseconds since 1970-01-01 in binary formats.
///
/// ```
/// use churn_core::Timestamp;
///
/// let moment: Timestamp = "2024-03-01T13:30:00+01:00".parse()?;
/// assert_eq!(moment.to_string(), "2024-03-01T12:30:00Z");
/// assert_eq!(Timestamp::from_ymd(2024, 3, 1).map(|date| moment.days_since(date)), Some(12.5 / 24.0));
/// assert_eq!("01.03.2024".parse::<Timestamp>().unwrap_err().code(), "invalid_option");
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The timestamp 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// 0001-01-01T00:00:00Z, the earliest timestamp that a record may have.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z, the latest timestamp that a record may have.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Creates a timestamp from the number of microseconds since 1970-01-01T00:00:00Z. `None` if the timestamp would
    /// lie outside the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&micros).then_some(Self(micros))
    }

    /// Midnight UTC of a calendar date; `None` if there is no such date.
    pub fn from_ymd(year: i16, month: i8, day: i8) -> Option<Self> {
        Self::from_micros(civil_micros(jiff::civil::Date::new(year, month, day).ok()?.into()))
    }

    /// The timestamp in microseconds since 1970-01-01T00:00:00Z.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// The timestamp that is `days` whole days later (or earlier, if `days` is negative), clamped to the years 1 to
    /// 9999.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        let moved = self.0.saturating_add(days.saturating_mul(MICROS_PER_DAY));
        Self(moved.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Number of days, including fractions of a day, from `earlier` to this timestamp. The number is negative if this
    /// timestamp is before `earlier`.
    pub fn days_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / MICROS_PER_DAY as f64
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Parses an ISO-8601 date (`2011-09-10`) or date-time (`2011-09-10T12:30:00`). A date-time may have a fraction of
    /// a second, and may end with `Z` or an offset. A space may replace the `T`. Formats that depend on a locale are
    /// not accepted.
    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || {
            Error::new(
                ErrorKind::InvalidOption,
                format!("'{}' is not an ISO-8601 date or date-time", crate::error::excerpt(text)),
            )
        };
        parse_iso(text.trim()).ok_or_else(bad)
    }
}

fn parse_iso(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    // Only calendar dates with four-digit years are accepted. In data, the other ISO forms (weeks, ordinal dates,
    // signed years) are usually a mistake.
    let dated = bytes.len() >= 10
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[5..7].iter().all(u8::is_ascii_digit)
        && bytes[7] == b'-'
        && bytes[8..10].iter().all(u8::is_ascii_digit);
    if !dated {
        return None;
    }
    if bytes.len() == 10 {
        let date: jiff::civil::Date = text.parse().ok()?;
        return Timestamp::from_ymd(date.year(), date.month(), date.day());
    }
    let (civil, offset) = split_offset(text)?;
    let civil: jiff::civil::DateTime = civil.parse().ok()?;
    Timestamp::from_micros(civil_micros(civil).checked_sub(offset)?)
}

/// A day in the Gregorian calendar.
pub(crate) struct CivilDay {
    /// The number of the month, which grows by 1 every month.
    pub(crate) month: i64,
    /// The day of the month, from 1 to 31.
    pub(crate) day_of_month: usize,
    /// The number of days until the last day of the month; 0 on the last day.
    pub(crate) days_to_month_end: usize,
}

impl CivilDay {
    /// `day` is the number of days since 1970-01-01.
    pub(crate) fn of(day: i64) -> Self {
        let hours = jiff::SignedDuration::from_hours(24_i64.saturating_mul(day));
        let date = EPOCH.checked_add(hours).map_or(jiff::civil::Date::ZERO, |at| at.date());
        let day_of_month = usize::from(date.day().unsigned_abs());
        Self {
            month: i64::from(date.year()) * 12 + i64::from(date.month()),
            day_of_month,
            days_to_month_end: usize::from(date.days_in_month().unsigned_abs()).saturating_sub(day_of_month),
        }
    }
}

const EPOCH: jiff::civil::DateTime = jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Microseconds from 1970-01-01 to a date-time in UTC. A fraction of a microsecond is rounded down. An earlier
/// date-time therefore never has a larger result than a later one.
fn civil_micros(civil: jiff::civil::DateTime) -> i64 {
    civil.duration_since(EPOCH).as_nanos().div_euclid(1000) as i64
}

/// Splits the offset (`Z`, `+01:00`, `+0100` or `+01`) off a date-time. Returns the text before the offset, and the
/// offset in microseconds.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(civil) = text.strip_suffix(['Z', 'z']) {
        return Some((civil, 0));
    }
    let Some(sign) = text[10..].rfind(['+', '-']).map(|at| at + 10) else {
        return Some((text, 0));
    };
    let digits: String = text[sign + 1..].chars().filter(|&c| c != ':').collect();
    let well_formed = matches!(digits.len(), 2 | 4)
        && digits.bytes().all(|b| b.is_ascii_digit())
        && matches!(text.len() - sign, 3 | 5 | 6);
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits
        .get(2..)
        .filter(|rest| !rest.is_empty())
        .map_or(Ok(0), str::parse)
        .ok()?;
    if !well_formed || hours > 23 || minutes > 59 {
        return None;
    }
    let offset = (hours * 60 + minutes) * 60_000_000;
    Some((
        &text[..sign],
        if text.as_bytes()[sign] == b'-' { -offset } else { offset },
    ))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match EPOCH.checked_add(jiff::SignedDuration::from_micros(self.0)) {
            Ok(civil) if self.0.rem_euclid(MICROS_PER_DAY) == 0 => write!(f, "{}", civil.date()),
            Ok(civil) => write!(f, "{civil}Z"),
            Err(_) => write!(f, "{} us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        } else {
            let micros = i64::deserialize(deserializer)?;
            Self::from_micros(micros).ok_or_else(|| D::Error::custom("timestamp outside the years 1 to 9999"))
        }
    }
}

/// The prediction time. A prediction uses only records that happened, and became known, strictly before this time.
///
/// ```
/// use churn_core::{AsOf, Timestamp};
///
/// let as_of: AsOf = "2024-03-01".parse()?; // midnight UTC: events on 1 March are not visible
/// assert_eq!(Timestamp::from_ymd(2024, 3, 1).map(AsOf::new), Some(as_of));
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AsOf(Timestamp);

impl AsOf {
    /// Creates a prediction time from a timestamp.
    pub fn new(moment: Timestamp) -> Self {
        Self(moment)
    }

    /// The prediction time as a timestamp.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// The prediction time in microseconds since 1970-01-01T00:00:00Z.
    pub fn as_micros(self) -> i64 {
        self.0.0
    }
}

impl From<Timestamp> for AsOf {
    fn from(moment: Timestamp) -> Self {
        Self(moment)
    }
}

impl FromStr for AsOf {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse().map(Self)
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for AsOf {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AsOf".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Timestamp::json_schema(generator)
    }
}

/// The length of a window of history, in whole days. The window of `w` days is `[as_of - w days, as_of)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Window(u32);

impl Window {
    /// Creates a window from its length in days; `None` if the length is 0.
    pub(crate) fn days(days: u32) -> Option<Self> {
        (days > 0).then_some(Self(days))
    }

    /// The length of the window in days.
    pub(crate) fn as_days(self) -> u32 {
        self.0
    }
}

/// The label period: the time span for which churn is predicted at a prediction time `as_of`. It begins `lead` days
/// after `as_of`, and its length in days is `days`. It is the interval `[as_of + lead, as_of + lead + days)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Horizon {
    /// Length of the label period in days.
    pub days: u32,
    /// Number of days between `as_of` and the start of the label period.
    pub lead: u32,
}

impl Horizon {
    /// The start of the label period that belongs to the prediction time `as_of`. Both times are in microseconds since
    /// 1970-01-01.
    pub(crate) fn start(self, as_of: i64) -> i64 {
        as_of.saturating_add(i64::from(self.lead).saturating_mul(MICROS_PER_DAY))
    }

    /// The exclusive end of the label period that belongs to the prediction time `as_of`. Both times are in
    /// microseconds since 1970-01-01.
    pub(crate) fn end(self, as_of: i64) -> i64 {
        self.start(as_of)
            .saturating_add(i64::from(self.days).saturating_mul(MICROS_PER_DAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_micros()
    }

    #[test]
    fn parses_the_iso_forms() {
        assert_eq!(micros("1970-01-01"), 0);
        assert_eq!(micros("1970-01-02T00:00:00"), MICROS_PER_DAY);
        assert_eq!(micros("1970-01-01 00:00:01"), 1_000_000);
        assert_eq!(micros("1970-01-01T00:00:00.000001Z"), 1);
        assert_eq!(micros("1970-01-01T01:00:00+01:00"), 0);
        assert_eq!(micros("0001-01-01"), Timestamp::MIN.as_micros());
        assert_eq!(micros("9999-12-31T23:59:59.999999Z"), Timestamp::MAX.as_micros());
        assert_eq!(
            micros("2024-02-29"),
            Timestamp::from_ymd(2024, 2, 29).unwrap().as_micros()
        );
        assert_eq!(micros("1969-12-31T23:59:59.9999999Z"), -1);
    }

    #[test]
    fn refuses_what_is_not_iso() {
        for text in [
            "",
            "10/09/2011",
            "2011-02-29",
            "2011-9-1",
            "yesterday",
            "20110910",
            "2011-09-10T25:00",
            "2011-09-10T10:00+99:00",
            "2011-09-10junk",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn timestamps_round_trip_through_text() {
        for text in ["2011-09-10", "2011-09-10T12:30:00Z", "0001-01-01"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }
}
