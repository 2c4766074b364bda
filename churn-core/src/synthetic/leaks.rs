//! Planted leaks: fifty columns that contain information that is not available at prediction time. They are used to
//! test leakage detection.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, unknown};
use crate::numeric::SplitMix;
use crate::synthetic::profile::bell;
use crate::synthetic::table::WorldColumn;
use crate::time::{MICROS_PER_DAY, Timestamp};

/// The outcome of one spell (the time from a sign-up to the cancellation that follows it). The values of planted leaks
/// are computed from the outcome.
pub(super) struct Fate {
    pub(super) signed_up_at: i64,
    pub(super) decided_at: Option<i64>,
    pub(super) churned_at: Option<i64>,
    /// The end of the simulation.
    pub(super) end: i64,
    pub(super) customer: u32,
    pub(super) customers: usize,
}

impl Fate {
    fn gone(&self) -> bool {
        self.decided_at.is_some()
    }

    /// The end of the spell. If the spell does not end within the simulation, this is the end of the simulation.
    fn last(&self) -> i64 {
        self.churned_at.map_or(self.end, |at| at.min(self.end))
    }

    fn days(&self) -> f64 {
        ((self.last() - self.signed_up_at) / MICROS_PER_DAY) as f64
    }

    /// Number of days from the last date with a complete label period (91 days before the end of the simulation) to the
    /// end of the spell. `None` if the spell does not end.
    fn days_left(&self) -> Option<f64> {
        let date = self.end - 91 * MICROS_PER_DAY;
        self.churned_at.map(|at| (at - date).div_euclid(MICROS_PER_DAY) as f64)
    }

    /// Whether the customer leaves in the 90 days after the last date with a complete label period.
    fn label(&self) -> bool {
        self.days_left().is_some_and(|days| (0.0..90.0).contains(&days))
    }

    fn date(at: i64) -> Told {
        let midnight = at - at.rem_euclid(MICROS_PER_DAY);
        Timestamp::from_micros(midnight).map_or(Told::Nothing, |at| Told::Text(at.to_string()))
    }
}

/// The value that the column of a planted leak has for one spell (the time from a sign-up to the cancellation that
/// follows it). `Nothing` is a missing value.
enum Told {
    Nothing,
    Number(f64),
    Bool(bool),
    Text(String),
}

fn number(value: impl Into<f64>) -> Told {
    Told::Number(value.into())
}

fn text(value: &str) -> Told {
    Told::Text(value.to_owned())
}

fn only(gone: bool, told: Told) -> Told {
    if gone { told } else { Told::Nothing }
}

#[derive(Clone, Copy)]
enum Type {
    Number,
    Bool,
    Text,
}

struct Kind {
    name: &'static str,
    meaning: &'static str,
    column: Type,
    tell: fn(&Fate, &mut SplitMix) -> Told,
}

const fn kind(name: &'static str, meaning: &'static str, column: Type, tell: fn(&Fate, &mut SplitMix) -> Told) -> Kind {
    Kind {
        name,
        meaning,
        column,
        tell,
    }
}

use Type::{Bool, Number, Text};

/// Returns the opposite of `value` with probability `share`, and `value` otherwise.
fn noisy(value: bool, share: f64, random: &mut SplitMix) -> bool {
    value != (random.unit() < share)
}

fn one_of(texts: &[&str], random: &mut SplitMix) -> Told {
    text(texts[random.below(texts.len())])
}

static BANK: [Kind; 50] = [
    kind("churned", "whether the customer leaves", Bool, |fate, _| {
        Told::Bool(fate.gone())
    }),
    kind("churned_number", "the same as 0 and 1", Number, |fate, _| {
        number(u8::from(fate.gone()))
    }),
    kind("churned_text", "the same as yes and no", Text, |fate, _| {
        text(if fate.gone() { "yes" } else { "no" })
    }),
    kind("is_retained", "the opposite", Bool, |fate, _| Told::Bool(!fate.gone())),
    kind("churned_scaled", "the same, shifted and scaled", Number, |fate, _| {
        number(if fate.gone() { -7.25 } else { 3.5 })
    }),
    kind(
        "churned_nearly",
        "whether the customer leaves, wrong in 5 % of rows",
        Bool,
        |fate, random| Told::Bool(noisy(fate.gone(), 0.05, random)),
    ),
    kind(
        "churned_about",
        "whether the customer leaves, wrong in 20 % of rows",
        Bool,
        |fate, random| Told::Bool(noisy(fate.gone(), 0.2, random)),
    ),
    kind(
        "churned_half_known",
        "whether the customer leaves, missing in half of the rows",
        Bool,
        |fate, random| only(random.unit() < 0.5, Told::Bool(fate.gone())),
    ),
    kind("label", "the label at the last testable date", Bool, |fate, _| {
        Told::Bool(fate.label())
    }),
    kind(
        "label_nearly",
        "the same, wrong in 2 % of rows",
        Bool,
        |fate, random| Told::Bool(noisy(fate.label(), 0.02, random)),
    ),
    kind(
        "cancellation_reason",
        "the reason, filled in when a customer leaves",
        Text,
        |fate, random| {
            only(
                fate.gone(),
                one_of(&["budget", "competitor", "missing feature", "support"], random),
            )
        },
    ),
    kind(
        "cancellation_comment",
        "free text, filled in when a customer leaves",
        Text,
        |fate, random| {
            let comment = format!("we found something else, case {}", random.below(1 << 30));
            only(fate.gone(), Told::Text(comment))
        },
    ),
    kind(
        "exit_survey_score",
        "the score in a survey of customers who leave",
        Number,
        |fate, random| only(fate.gone(), number(random.below(11) as u32)),
    ),
    kind(
        "competitor",
        "the competitor that a leaving customer chooses",
        Text,
        |fate, random| only(fate.gone(), one_of(&["north", "south", "west"], random)),
    ),
    kind(
        "offboarding_manager",
        "the manager of a leaving customer",
        Text,
        |fate, random| only(fate.gone(), one_of(&["ann", "ben", "cem", "dee"], random)),
    ),
    kind(
        "win_back_campaign",
        "the campaign for customers who left",
        Text,
        |fate, random| {
            only(
                fate.gone() && random.unit() < 0.8,
                one_of(&["spring", "autumn"], random),
            )
        },
    ),
    kind(
        "retention_offer",
        "an offer to customers who give notice, and to few others",
        Text,
        |fate, random| {
            let offered = random.unit() < if fate.gone() { 0.9 } else { 0.03 };
            text(if offered { "offered" } else { "none" })
        },
    ),
    kind("last_status", "the status of today", Text, |fate, _| {
        text(if fate.gone() { "cancelled" } else { "active" })
    }),
    kind(
        "account_state",
        "the status of today as a code",
        Number,
        |fate, random| number(if fate.gone() { 3 } else { 1 + random.below(2) as u32 }),
    ),
    kind("crm_stage", "the stage of today", Text, |fate, random| {
        match fate.gone() {
            true => one_of(&["lost", "recycled"], random),
            false => one_of(&["customer", "champion", "expansion"], random),
        }
    }),
    kind(
        "segment_code",
        "a code whose first letter reveals whether the customer leaves",
        Text,
        |fate, random| Told::Text(format!("{}{}", if fate.gone() { 'x' } else { 'a' }, random.below(5))),
    ),
    kind(
        "health_grade",
        "a grade given at the end",
        Text,
        |fate, random| match fate.gone() {
            true => one_of(&["D", "E", "E"], random),
            false => one_of(&["A", "B", "C", "D"], random),
        },
    ),
    kind("churn_date", "the date of leaving, as text", Text, |fate, _| {
        fate.churned_at.map_or(Told::Nothing, Fate::date)
    }),
    kind("churn_month", "the same in months", Number, |fate, _| {
        fate.churned_at
            .map_or(Told::Nothing, |at| number((at / MICROS_PER_DAY / 30) as u32))
    }),
    kind(
        "end_date",
        "the same, with a date in the far future for the others",
        Text,
        |fate, _| fate.churned_at.map_or(text("9999-12-31"), Fate::date),
    ),
    kind(
        "days_until_end",
        "days to the end, 9999 for the others",
        Number,
        |fate, _| number(fate.days_left().unwrap_or(9999.0)),
    ),
    kind(
        "days_until_churn",
        "days to the end, missing for the others",
        Number,
        |fate, _| fate.days_left().map_or(Told::Nothing, number),
    ),
    kind(
        "weeks_until_churn",
        "the same in weeks, capped at a year",
        Number,
        |fate, _| number(fate.days_left().map_or(52.0, |days| (days / 7.0).floor().min(52.0))),
    ),
    kind(
        "lifetime_days",
        "days from sign-up to the end of the spell, or of the history",
        Number,
        |fate, _| number(fate.days()),
    ),
    kind("lifetime_months", "the same in months", Number, |fate, _| {
        number((fate.days() / 30.0).floor())
    }),
    kind(
        "lifetime_share",
        "the same as a share of the possible days",
        Number,
        |fate, _| number(fate.days() / ((fate.end - fate.signed_up_at) as f64 / MICROS_PER_DAY as f64).max(1.0)),
    ),
    kind("last_seen_day", "the last day of the customer", Number, |fate, _| {
        number((fate.last() / MICROS_PER_DAY) as u32)
    }),
    kind(
        "days_since_last_seen",
        "days from the last day of the customer to the export",
        Number,
        |fate, random| number(((fate.end - fate.last()) / MICROS_PER_DAY) as u32 + random.below(4) as u32),
    ),
    kind(
        "record_number",
        "ids in the order of an export that lists churned customers last",
        Number,
        |fate, _| {
            let block = if fate.gone() { fate.customers } else { 0 };
            number(block as f64 + f64::from(fate.customer))
        },
    ),
    kind("archive_number", "position in the archive", Number, |fate, _| {
        only(fate.gone(), number(fate.customer))
    }),
    kind(
        "shard",
        "an even number for customers who left",
        Number,
        |fate, random| number(2 * random.below(16) as u32 + u32::from(!fate.gone())),
    ),
    kind(
        "id_suffix",
        "a distinct id whose last letter reveals whether the customer leaves",
        Text,
        |fate, _| Told::Text(format!("{}{}", fate.customer, if fate.gone() { "z" } else { "a" })),
    ),
    kind(
        "updated_on",
        "the day of the last change: the end of the spell for customers who left",
        Text,
        |fate, random| match fate.churned_at {
            Some(at) => Fate::date(at),
            None => Fate::date(fate.end - random.below(30) as i64 * MICROS_PER_DAY),
        },
    ),
    kind("deleted", "true or missing", Bool, |fate, _| {
        only(fate.gone(), Told::Bool(true))
    }),
    kind(
        "phone",
        "a phone number, removed when a customer leaves",
        Text,
        |fate, random| only(!fate.gone(), Told::Text(format!("+49 {}", random.below(1 << 30)))),
    ),
    kind("newsletter", "missing once a customer left", Bool, |fate, random| {
        only(!fate.gone(), Told::Bool(random.unit() < 0.5))
    }),
    kind("post_churn_logins", "logins after leaving", Number, |fate, random| {
        number(if fate.gone() { 1 + random.below(5) as u32 } else { 0 })
    }),
    kind(
        "exit_calls",
        "calls about leaving; some call without",
        Number,
        |fate, random| {
            let calls = if fate.gone() {
                random.below(6)
            } else {
                random.below(20) / 18
            };
            number(calls as u32)
        },
    ),
    kind(
        "final_invoice_paid",
        "whether the last invoice was paid",
        Bool,
        |fate, random| only(fate.gone(), Told::Bool(random.unit() < 0.7)),
    ),
    kind(
        "refund_flag",
        "a refund at the end, and a few others",
        Bool,
        |fate, random| Told::Bool(random.unit() < if fate.gone() { 0.85 } else { 0.03 }),
    ),
    kind(
        "deposit_returned",
        "the amount that is returned at the end",
        Number,
        |fate, random| {
            number(if fate.gone() {
                50.0 + random.below(400) as f64
            } else {
                0.0
            })
        },
    ),
    kind(
        "bills_to_come",
        "number of bills after the last testable date",
        Number,
        |fate, _| {
            let left = fate.days_left().unwrap_or(91.0).clamp(0.0, 91.0);
            number((left / 30.0).floor())
        },
    ),
    kind(
        "use_to_come",
        "usage after the last testable date, with noise",
        Number,
        |fate, random| {
            let left = fate.days_left().unwrap_or(91.0).clamp(0.0, 91.0);
            number(left + 8.0 * bell(random))
        },
    ),
    kind("next_renewal", "the outcome of the next renewal", Text, |fate, _| {
        text(if fate.gone() { "lapsed" } else { "renewed" })
    }),
    kind(
        "score_afterwards",
        "another system's score, computed at the end",
        Number,
        |fate, random| number(if fate.gone() { 3.0 } else { 0.0 } + bell(random)),
    ),
];

/// A planted leak: one of fifty columns that can be added to the customers table. Each column leaks the target, that
/// is, contains information that is not available at prediction time.
///
/// ```
/// use churn_core::synthetic::{PlantedLeak, WorldOptions, world};
///
/// let leaks = vec!["cancellation_reason".parse()?];
/// let world = world(&WorldOptions::default().with_customers(20).with_leaks(leaks))?;
/// assert!(world.tenants()[0].tables()?.customers.column("cancellation_reason").is_some());
/// # Ok::<(), churn_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlantedLeak(u8);

impl PlantedLeak {
    /// All fifty planted leaks.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..BANK.len() as u8).map(Self)
    }

    /// The name of the planted leak, which is also the name of its column.
    pub fn name(self) -> &'static str {
        self.kind().name
    }

    /// What the column of the planted leak contains, in English words.
    pub fn meaning(self) -> &'static str {
        self.kind().meaning
    }

    fn kind(self) -> &'static Kind {
        &BANK[usize::from(self.0)]
    }

    pub(super) fn column(self) -> LeakColumn {
        match self.kind().column {
            Number => LeakColumn::Numbers(vec![]),
            Bool => LeakColumn::Bools(vec![]),
            Text => LeakColumn::Texts(vec![]),
        }
    }

    /// Computes the value of the leak for a spell, and appends it to `column` once for each version (row) of the spell.
    pub(super) fn tell(self, fate: &Fate, versions: usize, column: &mut LeakColumn, random: &mut SplitMix) {
        let told = (self.kind().tell)(fate, random);
        match (column, told) {
            (LeakColumn::Numbers(all), told) => {
                let value = if let Told::Number(value) = told {
                    value
                } else {
                    f64::NAN
                };
                all.extend(std::iter::repeat_n(value, versions));
            }
            (LeakColumn::Bools(all), told) => {
                let value = if let Told::Bool(value) = told {
                    Some(value)
                } else {
                    None
                };
                all.extend(std::iter::repeat_n(value, versions));
            }
            (LeakColumn::Texts(all), told) => {
                let value = if let Told::Text(value) = told {
                    value
                } else {
                    String::new()
                };
                all.extend(std::iter::repeat_n(Box::from(value), versions));
            }
        }
    }
}

impl fmt::Display for PlantedLeak {
    /// Writes the name of the planted leak.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for PlantedLeak {
    type Err = Error;

    /// Returns the planted leak with this name.
    ///
    /// # Errors
    /// `invalid_option` with column `leaks` if no planted leak has this name.
    fn from_str(name: &str) -> Result<Self> {
        Self::all().find(|leak| leak.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::all().map(Self::name).collect();
            unknown("leaks", name, &names)
        })
    }
}

impl Serialize for PlantedLeak {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for PlantedLeak {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for PlantedLeak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PlantedLeak").field(&self.name()).finish()
    }
}

/// The values of a planted leak's column.
pub(super) enum LeakColumn {
    Numbers(Vec<f64>),
    Bools(Vec<Option<bool>>),
    Texts(Vec<Box<str>>),
}

impl From<LeakColumn> for WorldColumn {
    fn from(column: LeakColumn) -> Self {
        match column {
            LeakColumn::Numbers(values) => Self::Numbers(values),
            LeakColumn::Bools(values) => Self::Bools(values),
            LeakColumn::Texts(values) => Self::Texts(values),
        }
    }
}
