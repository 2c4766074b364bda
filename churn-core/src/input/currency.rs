//! Converts the amounts of a table to one currency.

use std::collections::BTreeMap;

use crate::error::{IssueCode, Result, excerpt};
use crate::input::check::Found;
use crate::input::reader::TableReader;
use crate::input::table::{Cell, Data};
use crate::input::texts::TextDraft;
use crate::record::Currency;

/// The currency to which amounts are converted, and the conversion rates of other currencies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    /// The tenant's currency, if the caller set it.
    pub(crate) currency: Option<Currency>,
    /// For each upper-case currency code, the value of one major unit of that currency, in major units of the tenant's
    /// currency.
    pub(crate) rates: BTreeMap<String, f64>,
}

impl Exchange {
    /// The tenant's currency. It is the currency that the caller set. If the caller set none, it is the first currency
    /// without a conversion rate among the payments that are valid so far. A currency with a conversion rate is never
    /// chosen, because amounts in such a currency are converted.
    pub(crate) fn currency(&self, codes: Option<&TextDraft>, bad: &[bool]) -> Currency {
        let first = || {
            let codes = codes?;
            (0..bad.len())
                .filter(|&row| !bad[row])
                .filter_map(|row| codes.get(row))
                .find(|code| !self.rates.contains_key(*code))
                .map(Currency::of)
        };
        let named = self.currency.clone();
        named.or_else(first).unwrap_or_else(Currency::unnamed)
    }

    /// Converts amounts from their currencies to minor units of `currency`. Reports amounts that cannot be converted.
    pub(crate) fn to_minor(
        &self,
        currency: &Currency,
        amounts: Vec<f64>,
        codes: Option<&TextDraft>,
        reader: &mut TableReader<'_>,
    ) -> Result<Vec<i64>> {
        let (amount_column, currency_column) = (reader.check.column("amount"), reader.check.column("currency"));
        let mut minors = vec![0i64; amounts.len()];
        // The conversion factor for each currency code; `None` if there is no conversion rate for the currency.
        let factors: Vec<Option<f64>> = codes.map_or(vec![], |codes| {
            codes
                .texts()
                .iter()
                .map(|code| match currency.code() {
                    Some(own) if own == code => Some(1.0),
                    _ => self.rates.get(code).copied(),
                })
                .collect()
        });
        // A decimal may have more digits than a float can represent, so it is converted to minor units directly.
        let exact = reader
            .batches()
            .iter()
            .any(|batch| batch.column("amount").is_some_and(Data::is_decimal));
        let convert = |row: usize| -> Result<i64, Found> {
            let amount = amounts[row];
            let code = codes.and_then(|codes| Some((codes.codes[row], codes.get(row)?)));
            let (factor, code) = match code {
                None => (Some(1.0), ""),
                Some((number, code)) => (factors[number as usize], code),
            };
            if let (Some(1.0), true) = (factor, exact)
                && let Cell::Decimal(value, scale) = reader.cell("amount", row)
            {
                return currency.decimal_to_minor(value, scale).ok_or_else(|| Found {
                    row,
                    column: amount_column,
                    code: IssueCode::OutOfRange,
                    message: format!("{amount} is beyond 2^53 minor units"),
                });
            }
            // If a valid row states a currency, the tenant's currency has a code. Here the tenant's currency has no
            // code, although this row states a currency. The row is therefore invalid, and has already been reported.
            if factor.is_none() && currency.code().is_none() {
                return Ok(0);
            }
            let Some(factor) = factor else {
                return Err(Found {
                    row,
                    column: currency_column,
                    code: IssueCode::MixedCurrency,
                    message: format!(
                        "the payment is in {}, others are in {currency}, and there is no rate between them: give one in the option for conversion rates",
                        excerpt(code)
                    ),
                });
            };
            // A missing amount has already been reported as an issue.
            if amount.is_nan() {
                return Ok(0);
            }
            currency.to_minor(amount * factor).ok_or_else(|| Found {
                row,
                column: amount_column,
                code: IssueCode::OutOfRange,
                message: format!("{} is beyond 2^53 minor units", amount * factor),
            })
        };
        let mut pieces: Vec<(usize, &mut [i64])> = minors
            .chunks_mut(crate::input::reader::PIECE)
            .scan(0, |start, piece| {
                let own = *start;
                *start += piece.len();
                Some((own, piece))
            })
            .collect();
        let workers = reader.workers;
        let found = workers.map_mut(&mut pieces, |_, (start, piece)| {
            let mut found = vec![];
            for (index, minor) in piece.iter_mut().enumerate() {
                match convert(*start + index) {
                    Ok(converted) => *minor = converted,
                    Err(wrong) => found.push(wrong),
                }
            }
            Ok(found)
        })?;
        reader.check.add(found.into_iter().flatten());
        Ok(minors)
    }
}
