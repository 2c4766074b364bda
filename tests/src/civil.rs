//! Converts days to calendar dates. The conversion counts the days one after another, and does not use the library.

use std::sync::OnceLock;

/// The day 1600-01-01, in days since 1970-01-01.
const FIRST: i64 = -135_140;

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Returns year, month and day of the month for a number of days since 1970-01-01. The year must be between 1600 and
/// 2400.
pub fn date(day: i64) -> (i64, i64, i64) {
    static DATES: OnceLock<Vec<(i64, i64, i64)>> = OnceLock::new();
    let dates = DATES.get_or_init(|| {
        let months = |year: i64| {
            let february = if is_leap(year) { 29 } else { 28 };
            [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        };
        let of_year = |year: i64| {
            (1..)
                .zip(months(year))
                .flat_map(move |(month, days)| (1..=days).map(move |day| (year, month, day)))
        };
        (1600..2400).flat_map(of_year).collect()
    });
    dates[(day - FIRST) as usize]
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_known_by_heart() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(-1), (1969, 12, 31));
    }
}
