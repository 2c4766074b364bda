//! Money. Inputs and results contain amounts in decimal major units (12.34). Internally, amounts are integers in minor
//! units (1234).

use std::fmt;

use crate::error::{Error, ErrorKind, Result, excerpt};

/// A currency: its code, and the number of decimal digits of its minor unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency {
    code: Option<String>,
    digits: u32,
}

/// The ISO 4217 currencies whose minor unit does not have two decimal digits, grouped by the number of digits.
const OTHER_DIGITS: &[(u32, &[&str])] = &[
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
            "XOF", "XPF",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];

/// The largest amount, in minor units, that a record may have. `f64` represents every integer up to this amount
/// exactly.
pub(crate) const MAX_MINOR: i64 = 1 << 53;

impl Currency {
    /// Creates a currency from its ISO 4217 code: three letters in upper or lower case. A currency has two decimal
    /// digits unless ISO 4217 states another number.
    ///
    /// ```
    /// assert_eq!(churn_core::Currency::new("jpy")?.digits(), 0);
    /// assert_eq!(churn_core::Currency::new("dollars").unwrap_err().code(), "invalid_option");
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalid_option` if the code is not three letters.
    pub fn new(code: &str) -> Result<Self> {
        let code = code.trim().to_ascii_uppercase();
        if Self::is_code(&code) {
            return Ok(Self::of(&code));
        }
        let why = format!(
            "'{}' is not a currency code of three letters (ISO 4217)",
            excerpt(&code)
        );
        Err(Error::new(ErrorKind::InvalidOption, why).at(None, None, Some("currency")))
    }

    /// Whether a text has the form of an ISO 4217 currency code: three upper-case letters.
    pub(crate) fn is_code(code: &str) -> bool {
        code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase())
    }

    /// Creates a currency from an upper-case code. The caller must have checked that the code consists of three
    /// letters.
    pub(crate) fn of(code: &str) -> Self {
        let digits = OTHER_DIGITS
            .iter()
            .find(|(_, codes)| codes.contains(&code))
            .map_or(2, |(digits, _)| *digits);
        Self {
            code: Some(code.to_owned()),
            digits,
        }
    }

    /// A currency without a code. Its minor unit has two decimal digits.
    pub fn unnamed() -> Self {
        Self { code: None, digits: 2 }
    }

    /// The code of the currency; `None` if the currency has no code.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Number of decimal digits of the minor unit, for example 2 for the euro and 0 for the yen.
    pub fn digits(&self) -> u32 {
        self.digits
    }

    /// Number of minor units per major unit.
    pub(crate) fn scale(&self) -> f64 {
        f64::from(10u32.pow(self.digits))
    }

    /// Converts an amount in major units to minor units and rounds half away from zero. Returns `None` if the result
    /// lies beyond ±2^53.
    ///
    /// The amount is read as the shortest decimal that represents it, because a binary float is rarely exactly equal to
    /// the decimal that the caller wrote. For example, 1.005 becomes 1.01, although the float nearest to 1.005 is
    /// smaller than 1.005.
    pub(crate) fn to_minor(&self, major: f64) -> Option<i64> {
        let scaled = major * self.scale();
        if scaled.is_nan() || scaled.abs() > MAX_MINOR as f64 {
            return None;
        }
        let rounded = scaled.round();
        // `scaled` is a binary float that is almost equal to the exact decimal product. The two numbers can round to
        // different integers only if the product is almost exactly halfway between two integers.
        let to_tie = ((scaled - scaled.trunc()).abs() - 0.5).abs();
        if to_tie > 1e-15 * scaled.abs() + 1e-12 {
            return Some(rounded as i64);
        }
        decimal_to_minor(&format!("{major}"), self.digits).filter(|minor| minor.abs() <= MAX_MINOR)
    }
}

impl Currency {
    /// Converts the exact decimal amount `major` / 10^`scale`, in major units, to minor units and rounds half away from
    /// zero. Returns `None` if the result lies beyond ±2^53.
    pub(crate) fn decimal_to_minor(&self, major: i128, scale: i8) -> Option<i64> {
        let shift = i32::try_from(self.digits).ok()? - i32::from(scale);
        let power = 10i128.checked_pow(shift.unsigned_abs());
        let minor = match power {
            Some(power) if shift >= 0 => major.checked_mul(power)?,
            Some(power) => {
                let (quotient, rest) = (major / power, major % power);
                quotient
                    + if rest.abs() >= power - rest.abs() {
                        rest.signum()
                    } else {
                        0
                    }
            }
            None if shift < 0 || major == 0 => 0,
            None => return None,
        };
        i64::try_from(minor).ok().filter(|minor| minor.abs() <= MAX_MINOR)
    }
}

/// Reads a decimal text without an exponent and rounds it half away from zero to `digits` decimal digits. Returns the
/// result in minor units.
fn decimal_to_minor(text: &str, digits: u32) -> Option<i64> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut minor: i64 = whole.parse().ok()?;
    let mut fraction = fraction.bytes();
    for _ in 0..digits {
        let digit = fraction.next().map_or(0, |b| i64::from(b - b'0'));
        minor = minor.checked_mul(10)?.checked_add(digit)?;
    }
    if fraction.next().is_some_and(|b| b >= b'5') {
        minor = minor.checked_add(1)?;
    }
    Some(if negative { -minor } else { minor })
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code().unwrap_or("unnamed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_the_decimal_half_away_from_zero() {
        let cents = |x| Currency::unnamed().to_minor(x);
        for (major, minor) in [
            (12.34, 1234),
            (1.005, 101),
            (-1.005, -101),
            (0.145, 15),
            (2.675, 268),
            (1.0049999, 100),
            (0.0, 0),
            (-0.0, 0),
            (1e-9, 0),
            (90_071_992_547_409.92, MAX_MINOR),
        ] {
            assert_eq!(cents(major), Some(minor), "{major}");
        }
        assert_eq!(cents(1e15), None);
        assert_eq!(cents(f64::NAN), None);
        assert_eq!(cents(f64::NEG_INFINITY), None);
    }

    #[test]
    fn decimals_are_exact() {
        let cents = |value, scale| Currency::unnamed().decimal_to_minor(value, scale);
        for (value, scale, minor) in [
            (1005, 3, Some(101)),
            (-1005, 3, Some(-101)),
            (4_999_999_999_999_999_999, 21, Some(0)),
            (9_007_199_254_740_991, 2, Some(MAX_MINOR - 1)),
            (9_007_199_254_740_993, 2, None),
            (7, -2, Some(70_000)),
            (i128::MAX, 127, Some(0)),
            (i128::MAX, -128, None),
            (0, -128, Some(0)),
            (i128::MIN, 0, None),
        ] {
            assert_eq!(cents(value, scale), minor, "{value}e-{scale}");
        }
    }

    #[test]
    fn currencies_have_their_iso_digits() {
        assert_eq!(Currency::of("JPY").to_minor(2.5), Some(3));
        assert_eq!(Currency::of("KWD").to_minor(1.2345), Some(1235));
        assert_eq!(Currency::of("EUR").digits(), 2);
    }
}
