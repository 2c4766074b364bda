//! The tests for target leakage that are applied to each column.

use std::ops::Range;

use crate::error::Result;
use crate::features::{Columns, FeatureColumn};
use crate::leakage::finding::{LeakageAction, LeakageEvidence, LeakageFinding};
use crate::leakage::statistic::{Binned, PERMUTATIONS, folds, greatest_by_chance, skill};
use crate::numeric::{SplitMix, exp, ln};
use crate::parallel::Workers;
use crate::time::Timestamp;

/// If the minority class (churned or retained) has fewer rows than this number, no column is reported.
const LEAST_POSITIVES: usize = 20;
/// If there are more rows than this number, columns are tested on a pseudo-random sample of this many rows.
const MOST_ROWS: usize = 50_000;
/// An attribute is reported as restating the label if the attribute alone lowers the log-loss by at least this
/// fraction. The baseline is the log-loss of predicting the overall churn rate for every row.
const ATTRIBUTE_SKILL: f64 = 0.4;
/// A feature that is computed from events is reported as restating the label if the feature alone lowers the log-loss
/// by at least this fraction. This threshold is higher than `ATTRIBUTE_SKILL` because such a feature may predict well
/// without leaking. For example, a customer who has become inactive is likely to stay inactive.
const EVENT_SKILL: f64 = 0.6;
/// The finding that all rows with a value are labelled churned is reported only if at least this many rows have a
/// value. The finding that all rows without a value are labelled churned is reported only if at least this many rows
/// have no value.
const LEAST_PURE: usize = 8;
/// The finding that all rows with one particular value are labelled churned is reported only if at least this many rows
/// have the value.
const LEAST_PURE_VALUE: usize = 12;
/// The finding that certain rows all belong to one class is reported only if permuted labels would give the same
/// finding with a probability below this number.
const CHANCE: f64 = 1e-5;
/// The finding that certain rows are all labelled retained is reported only if, at the overall churn rate, at least
/// this many of these rows would be labelled churned.
const LEAST_MISSED: f64 = 30.0;
/// In a table with fewer rows than this, no column is reported as an id.
const LEAST_ROWS_OF_ID: usize = 50;

/// The origin of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The column states a property of the customer, or is a column of a flat table. By default, `ChurnModel::train`
    /// fails if such a column leaks.
    Attribute,
    /// The column is computed from dated events or from the sign-up date. By default, the report contains a warning if
    /// such a column leaks.
    Event,
}

/// A column that is tested for leakage.
pub(crate) struct Suspect<'a> {
    /// The name of the column in the caller's data.
    pub(crate) name: &'a str,
    /// The feature that is computed from the column.
    pub(crate) feature: &'a str,
    pub(crate) column: &'a FeatureColumn,
    pub(crate) origin: Origin,
}

/// The labels of the rows, and the customers and dates to which the rows belong.
pub(crate) struct Question<'a> {
    pub(crate) churned: &'a [bool],
    /// Rows of one customer, or of one group of a flat table, have the same number.
    pub(crate) groups: &'a [u32],
    /// Rows of one date have the same number and are contiguous.
    pub(crate) strata: &'a [u32],
    /// Numbers that are known at the prediction date and grow with time, such as the customer's tenure. If a column was
    /// recorded after the prediction date, it may contain a later value of such a number.
    pub(crate) known: &'a [&'a [f64]],
}

/// The rows that are tested.
struct Looked<'a> {
    question: &'a Question<'a>,
    rows: Vec<usize>,
    churned: Vec<bool>,
    folds: Vec<u8>,
    strata: Vec<Range<usize>>,
    positives: usize,
    seed: u64,
    workers: &'a Workers,
}

/// Returns a finding for each column that leaks the target, in the order of `suspects`. Each column has at most one
/// finding.
///
/// Only one date is tested: the last date that has enough rows of both classes. If no date has enough rows of both
/// classes, the rows of all dates are tested together.
pub(crate) fn examine(
    suspects: &[Suspect<'_>],
    question: &Question<'_>,
    seed: u64,
    workers: &Workers,
) -> Result<Vec<LeakageFinding>> {
    let Some(looked) = Looked::new(question, seed, workers) else {
        return Ok(vec![]);
    };
    let mut findings = vec![];
    for suspect in suspects {
        workers.check()?;
        findings.extend(looked.ask(suspect)?);
    }
    Ok(findings)
}

/// Returns a finding for each column of a flat table that leaks the target. All columns of a flat table are tested as
/// attributes.
pub(crate) fn examine_table(
    table: Columns<'_>,
    churned: &[bool],
    groups: &[u32],
    seed: u64,
    workers: &Workers,
) -> Result<Vec<LeakageFinding>> {
    let suspects: Vec<Suspect<'_>> = table
        .names
        .iter()
        .zip(table.columns)
        .map(|(name, column)| Suspect {
            name,
            feature: name,
            column,
            origin: Origin::Attribute,
        })
        .collect();
    let question = Question {
        churned,
        groups,
        strata: &vec![0; churned.len()],
        known: &[],
    };
    examine(&suspects, &question, seed, workers)
}

impl<'a> Looked<'a> {
    fn new(question: &'a Question<'a>, seed: u64, workers: &'a Workers) -> Option<Self> {
        let mut strata: Vec<Range<usize>> = vec![];
        for (row, stratum) in question.strata.iter().enumerate() {
            match strata.last_mut() {
                Some(last) if question.strata[last.start] == *stratum => last.end = row + 1,
                _ => strata.push(row..row + 1),
            }
        }
        let rarer = |rows: Range<usize>| {
            let positives = rows.clone().filter(|&row| question.churned[row]).count();
            positives.min(rows.len() - positives)
        };
        // A leaking column usually holds the latest state of the customer. The last date with enough rows is chosen
        // because its label period is closest in time to the latest state.
        let last = strata
            .iter()
            .rev()
            .find(|rows| rarer((*rows).clone()) >= LEAST_POSITIVES);
        let from = if let Some(last) = last {
            last.clone()
        } else if rarer(0..question.churned.len()) >= LEAST_POSITIVES {
            0..question.churned.len()
        } else {
            return None;
        };
        let mut rows: Vec<usize> = from.collect();
        if rows.len() > MOST_ROWS {
            let mut random = SplitMix::new(seed, 0x5A3);
            for place in 0..MOST_ROWS {
                let other = place + random.below(rows.len() - place);
                rows.swap(place, other);
            }
            rows.truncate(MOST_ROWS);
            rows.sort_unstable();
        }
        let churned: Vec<bool> = rows.iter().map(|&row| question.churned[row]).collect();
        let positives = churned.iter().filter(|&&churned| churned).count();
        if positives.min(rows.len() - positives) < LEAST_POSITIVES {
            return None;
        }
        let groups: Vec<u32> = rows.iter().map(|&row| question.groups[row]).collect();
        let mut drawn_strata: Vec<Range<usize>> = vec![];
        for (place, &row) in rows.iter().enumerate() {
            match drawn_strata.last_mut() {
                Some(last) if question.strata[rows[last.start]] == question.strata[row] => last.end = place + 1,
                _ => drawn_strata.push(place..place + 1),
            }
        }
        Some(Self {
            question,
            folds: folds(&groups, seed),
            rows,
            churned,
            strata: drawn_strata,
            positives,
            seed,
            workers,
        })
    }

    fn rate(&self) -> f64 {
        self.positives as f64 / self.rows.len() as f64
    }

    fn ask(&self, suspect: &Suspect<'_>) -> Result<Option<LeakageFinding>> {
        let attribute = suspect.origin == Origin::Attribute;
        let column = Column::of(suspect.column, &self.rows);
        let found = |leak, (statistic, by_chance, evidence): Evidence| {
            Some(LeakageFinding {
                column: suspect.name.to_owned(),
                feature: suspect.feature.to_owned(),
                leak,
                statistic,
                by_chance,
                evidence,
                action: LeakageAction::Warned,
                refuses: attribute,
            })
        };
        if attribute && let Some(evidence) = self.identifies(suspect.column, &column) {
            return Ok(found(LeakageEvidence::Identifier, evidence));
        }
        let least = if attribute { ATTRIBUTE_SKILL } else { EVENT_SKILL };
        for binned in &column.binned {
            if let Some(evidence) = self.separates(binned, least)? {
                return Ok(found(LeakageEvidence::RestatesLabel, evidence));
            }
        }
        if !attribute {
            return Ok(None);
        }
        for binned in &column.binned {
            if let Some((leak, evidence)) = self.agrees(binned) {
                return Ok(found(leak, evidence));
            }
        }
        if let Some(values) = &column.numbers
            && let Some(evidence) = self.reaches_ahead(values)?
        {
            return Ok(found(LeakageEvidence::ReachesIntoLabelPeriod, evidence));
        }
        Ok(None)
    }

    /// Returns evidence if the column alone separates churned from retained rows. The column must lower the log-loss by
    /// at least the fraction `least`, and by more than it does with permuted labels.
    fn separates(&self, binned: &Binned, least: f64) -> Result<Option<Evidence>> {
        let statistic = skill(binned, &self.churned, &self.folds);
        if statistic < least {
            return Ok(None);
        }
        let chance = greatest_by_chance(
            binned,
            &self.churned,
            &self.folds,
            &self.strata,
            self.seed,
            self.workers,
        )?;
        Ok((statistic > chance).then(|| {
            let evidence = format!(
                "alone it removes {:.0} % of the log-loss of {} rows, {} of them churned; with labels permuted {PERMUTATIONS} times at most {:.1} %",
                100.0 * statistic,
                self.rows.len(),
                self.positives,
                100.0 * chance.max(0.0),
            );
            (statistic, Some(chance), evidence)
        }))
    }

    /// Returns evidence if all rows with a value, all rows without a value, or all rows with one particular value
    /// belong to the same class.
    fn agrees(&self, binned: &Binned) -> Option<(LeakageEvidence, Evidence)> {
        let counts = binned.counts(&self.churned);
        let (&missing, values) = counts.split_last()?;
        let filled = values.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let rate = self.rate();
        let all_churned = |(rows, churned): (usize, usize), least: usize| {
            let chance = exp(rows as f64 * ln(rate));
            (rows >= least && churned == rows && rows < self.rows.len() && chance < CHANCE).then_some(chance)
        };
        let words = |(rows, churned): (usize, usize), which: &str, chance: f64| {
            format!(
                "{churned} of the {rows} rows {which} churned, against {:.1} % of all; the probability that permuted labels do so is {chance:.0e}",
                100.0 * rate
            )
        };
        if let Some(chance) = all_churned(filled, LEAST_PURE) {
            return Some((
                LeakageEvidence::OnlyForChurned,
                (1.0, Some(chance), words(filled, "where it is filled", chance)),
            ));
        }
        if let Some(chance) = all_churned(missing, LEAST_PURE) {
            return Some((
                LeakageEvidence::OnlyForRetained,
                (1.0, Some(chance), words(missing, "where it is missing", chance)),
            ));
        }
        let none = |(rows, churned): (usize, usize)| {
            let chance = exp(rows as f64 * ln(1.0 - rate));
            let missed = rows as f64 * rate;
            (churned == 0 && rows < self.rows.len() && missed >= LEAST_MISSED && chance < CHANCE).then_some(chance)
        };
        if missing.0 > 0
            && let Some(chance) = none(filled)
        {
            return Some((
                LeakageEvidence::OnlyForRetained,
                (1.0, Some(chance), words(filled, "where it is filled", chance)),
            ));
        }
        if let Some(chance) = none(missing) {
            return Some((
                LeakageEvidence::OnlyForChurned,
                (1.0, Some(chance), words(missing, "where it is missing", chance)),
            ));
        }
        let pure = values
            .iter()
            .filter(|_| binned.values)
            .find_map(|&value| Some((value, all_churned(value, LEAST_PURE_VALUE)?)));
        pure.map(|(value, chance)| {
            (
                LeakageEvidence::OnlyForChurned,
                (1.0, Some(chance), words(value, "where it holds one value", chance)),
            )
        })
    }

    /// Returns evidence if the column is an id. In an id column, (nearly) all values are distinct. If they are numbers,
    /// they form a sequence with few gaps.
    fn identifies(&self, given: &FeatureColumn, column: &Column) -> Option<Evidence> {
        let one_row_each = {
            let mut groups: Vec<u32> = self.rows.iter().map(|&row| self.question.groups[row]).collect();
            groups.sort_unstable();
            groups.windows(2).all(|pair| pair[0] != pair[1])
        };
        if !one_row_each || self.rows.len() < LEAST_ROWS_OF_ID {
            return None;
        }
        let rows = self.rows.len();
        match given {
            FeatureColumn::Text { levels, .. } if !column.moments => {
                let (filled, distinct) = (column.filled, column.distinct);
                let id =
                    filled * 2 > rows && distinct as f64 >= 0.98 * filled as f64 && levels.len() >= LEAST_ROWS_OF_ID;
                id.then(|| {
                    let evidence = format!("{distinct} different texts in {filled} rows: it identifies them");
                    (distinct as f64 / filled as f64, None, evidence)
                })
            }
            FeatureColumn::Number(_) => {
                let numbers = column.numbers.as_ref()?;
                let whole = column.filled == rows && numbers.iter().all(|value| *value == value.trunc());
                if !whole || column.distinct != rows {
                    return None;
                }
                let (least, most) = numbers
                    .iter()
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| {
                        (low.min(value), high.max(value))
                    });
                // Sequence numbers have few gaps. Measurements that happen to be distinct have many gaps.
                let dense = rows as f64 / (most - least + 1.0);
                (dense >= 0.3).then(|| {
                    let evidence = format!(
                        "{rows} different whole numbers in {rows} rows, from {least} to {most}: it numbers them"
                    );
                    (1.0, None, evidence)
                })
            }
            FeatureColumn::Text { .. } => None,
        }
    }

    /// Subtracts from the column a number that is known at the prediction date. Returns evidence if the difference
    /// still predicts the target.
    fn reaches_ahead(&self, values: &[f64]) -> Result<Option<Evidence>> {
        let own = skill(&Binned::numbers(values), &self.churned, &self.folds);
        for known in self.question.known {
            let known: Vec<f64> = self.rows.iter().map(|&row| known[row]).collect();
            let Some((correlation, slope)) = regression(values, &known) else {
                continue;
            };
            if correlation < 0.4 {
                continue;
            }
            let alone = skill(&Binned::numbers(&known), &self.churned, &self.folds);
            // If the column holds a duration, the factor converts days to the unit of the column: days, months, weeks
            // or years. For other quantities, the factor is the slope of the regression.
            for factor in [1.0, 1.0 / 30.4375, 1.0 / 30.0, 1.0 / 7.0, 1.0 / 365.25, slope] {
                if !(0.5..2.0).contains(&(slope / factor)) {
                    continue;
                }
                let rest: Vec<f64> = values
                    .iter()
                    .zip(&known)
                    .map(|(value, known)| value - factor * known)
                    .collect();
                let binned = Binned::numbers(&rest);
                if skill(&binned, &self.churned, &self.folds) < (own.max(alone) + 0.15).max(ATTRIBUTE_SKILL) {
                    continue;
                }
                if let Some((statistic, chance, evidence)) = self.separates(&binned, ATTRIBUTE_SKILL)? {
                    return Ok(Some((
                        statistic,
                        chance,
                        format!("less what was known at the date, {evidence}"),
                    )));
                }
            }
        }
        Ok(None)
    }
}

/// The statistic of a finding, the comparison with chance (`by_chance`), and the evidence in words.
type Evidence = (f64, Option<f64>, String);

/// The values of a column in the rows that are tested.
struct Column {
    /// The values of the column, divided into bins in one or more ways.
    binned: Vec<Binned>,
    numbers: Option<Vec<f64>>,
    filled: usize,
    distinct: usize,
    /// Whether the column's texts are timestamps.
    moments: bool,
}

impl Column {
    fn of(column: &FeatureColumn, rows: &[usize]) -> Self {
        match column {
            FeatureColumn::Number(values) => {
                let numbers: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
                let mut present: Vec<f64> = numbers.iter().copied().filter(|value| !value.is_nan()).collect();
                let filled = present.len();
                present.sort_unstable_by(f64::total_cmp);
                present.dedup();
                Self {
                    binned: vec![Binned::numbers(&numbers)],
                    filled,
                    distinct: present.len(),
                    numbers: Some(numbers),
                    moments: false,
                }
            }
            FeatureColumn::Text { codes, levels } => {
                let codes: Vec<u32> = rows.iter().map(|&row| codes[row]).collect();
                let mut present: Vec<u32> = codes
                    .iter()
                    .copied()
                    .filter(|&code| code != FeatureColumn::MISSING)
                    .collect();
                let filled = present.len();
                present.sort_unstable();
                present.dedup();
                let moment = |level: &String| level.len() >= 8 && level.parse::<Timestamp>().is_ok();
                let moments = filled > 0 && present.iter().take(20).all(|&code| moment(&levels[code as usize]));
                let mut binned = vec![Binned::texts(&codes, levels.len())];
                // The order of texts may carry information too, for example if they are timestamps, ids, or numbers
                // written as text.
                let mut numbers = None;
                if present.len() > 16 {
                    let read = |code: &u32| match *code {
                        FeatureColumn::MISSING => f64::NAN,
                        code if moments => levels[code as usize]
                            .parse::<Timestamp>()
                            .map_or(f64::NAN, |at| at.as_micros() as f64),
                        code => f64::from(code),
                    };
                    let values: Vec<f64> = codes.iter().map(read).collect();
                    binned.push(Binned::numbers(&values));
                    numbers = Some(values);
                }
                Self {
                    binned,
                    numbers,
                    filled,
                    distinct: present.len(),
                    moments,
                }
            }
        }
    }
}

/// The correlation of `x` and `y`, and the slope of the regression of `y` on `x`, over the rows where both have a
/// value. The result is `None` if `x` or `y` is constant, or if there are fewer than 20 such rows.
fn regression(y: &[f64], x: &[f64]) -> Option<(f64, f64)> {
    let pairs: Vec<(f64, f64)> = x
        .iter()
        .zip(y)
        .map(|(&x, &y)| (x, y))
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .collect();
    let count = pairs.len() as f64;
    if count < 20.0 {
        return None;
    }
    let mean = pairs
        .iter()
        .fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0 / count, sum.1 + pair.1 / count));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += (x - mean.0) * (x - mean.0);
        xy += (x - mean.0) * (y - mean.1);
        yy += (y - mean.1) * (y - mean.1);
    }
    (xx > 0.0 && yy > 0.0).then(|| (xy / (xx * yy).sqrt(), xy / xx))
}
