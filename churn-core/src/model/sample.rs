//! Training samples: rows with their labels.

use crate::error::{Error, ErrorKind, Result};
use crate::evaluate::DateSpan;
use crate::features::{
    ChurnDefinition, Columns, FeatureColumn, FeatureMatrix, Label, ResolvedPlan, due_day, labels_within,
};
use crate::numeric::SplitMix;
use crate::parallel::Workers;
use crate::record::TenantRecords;
use crate::time::AsOf;

/// The eligible customers at the training dates, with their features and labels.
pub(crate) struct Sample {
    pub(crate) matrix: FeatureMatrix,
    pub(crate) churned: Vec<bool>,
    /// For each row, the index of its span (consecutive days that together serve as one training date) among the spans
    /// that were used. Rows are sorted by span, then by customer.
    pub(crate) spans: Vec<u32>,
    /// Number of customer-date pairs that are not in the sample because their label is neither churned nor retained.
    pub(crate) excluded: usize,
    /// Number of customer-date pairs that were not used because the sample would be larger than `RowCap::rows`.
    pub(crate) subsampled: usize,
}

impl Sample {
    pub(crate) fn draw(
        records: &TenantRecords,
        spans: &[DateSpan],
        definition: &ChurnDefinition,
        plan: &ResolvedPlan,
        row_cap: RowCap,
        workers: &Workers,
    ) -> Result<Self> {
        let mut labels: Vec<Label> = vec![];
        let mut span_of: Vec<u32> = vec![];
        let mut excluded = 0;
        for (number, span) in (0u32..).zip(spans) {
            let own = |customer: u32| match span.days {
                1 => span.last,
                _ => own_day(
                    records,
                    definition,
                    customer,
                    *span,
                    row_cap.lot(records.customers.ids.get(customer as usize)),
                ),
            };
            let (found, neither) = labels_within(records, span.last, &own, definition, workers)?;
            excluded += neither.len();
            span_of.resize(span_of.len() + found.len(), number);
            labels.extend(found);
        }
        let drawn = row_cap.draw(records, &labels);
        let kept: Vec<usize> = (0..labels.len())
            .filter(|&row| drawn.as_ref().is_none_or(|drawn| drawn[labels[row].customer as usize]))
            .collect();
        let rows: Vec<(u32, AsOf)> = kept
            .iter()
            .map(|&row| (labels[row].customer, labels[row].as_of))
            .collect();
        Ok(Self {
            churned: kept.iter().map(|&row| labels[row].churned).collect(),
            spans: kept.iter().map(|&row| span_of[row]).collect(),
            matrix: plan.evaluate_rows(records, &rows, workers)?,
            excluded,
            subsampled: labels.len() - rows.len(),
        })
    }

    /// Returns a sample with only the rows at these positions.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        Self {
            matrix: self.matrix.select(rows),
            churned: rows.iter().map(|&row| self.churned[row]).collect(),
            spans: rows.iter().map(|&row| self.spans[row]).collect(),
            excluded: 0,
            subsampled: 0,
        }
    }

    /// The customer code (the index of the customer in the records) of every row.
    pub(crate) fn customers(&self) -> &[u32] {
        &self.matrix.customers
    }

    pub(crate) fn positives(&self) -> usize {
        self.churned.iter().filter(|&&churned| churned).count()
    }

    /// Returns the sample as training data for members (base learners). Each customer is a group.
    pub(crate) fn examples(&self) -> Examples<'_> {
        Examples {
            table: self.matrix.view(),
            churned: &self.churned,
            groups: self.customers(),
            weights: None,
        }
    }
}

/// On average, one in this many customers is used on the day on which their next event is due.
const DUE: usize = 4;

/// Chooses, within a span, the day on which a customer is used. The choice depends on the customer's id, the seed and
/// the customer's events.
///
/// The days of most customers are spread evenly over the span. Each of the other customers is used at the midnight
/// before their next event is due. The due day is computed from the customer's earlier events, as known at the start of
/// the span. At that midnight, the gap since the last event is the longest gap that a customer who stays usually has. A
/// production job that runs on the day of the invoices scores all customers just before their next event is due. If all
/// days were spread evenly, the training data would contain few customers in this situation.
fn own_day(records: &TenantRecords, definition: &ChurnDefinition, customer: u32, span: DateSpan, lot: u64) -> AsOf {
    // If churn is defined as cancellation, it does not matter whether the day is just before or just after an event.
    // All days are then spread evenly.
    let Some(on) = definition.observed_on() else {
        return span.of(lot);
    };
    let mut random = SplitMix::new(!lot, span.last.as_micros().cast_unsigned());
    let due = if random.below(DUE) == 0 {
        due_day(records, on, customer, (span.first(), span.last), |several| {
            random.below(several)
        })
    } else {
        None
    };
    due.unwrap_or_else(|| span.of(lot))
}

/// The maximum number of customer-date pairs in a sample, and the seed with which customers are sampled.
#[derive(Clone, Copy)]
pub(crate) struct RowCap {
    pub(crate) rows: usize,
    pub(crate) seed: u64,
}

impl RowCap {
    /// For each customer code, whether the customer is sampled; `None` if all customers are used. A sampled customer
    /// keeps all their rows, so that dates remain comparable. The order in which customers are sampled depends only on
    /// the customer ids and the seed, not on the order of the records.
    fn draw(self, records: &TenantRecords, labels: &[Label]) -> Option<Vec<bool>> {
        if labels.len() <= self.rows {
            return None;
        }
        let mut pairs = vec![0usize; records.customers.len()];
        for label in labels {
            pairs[label.customer as usize] += 1;
        }
        let mut order: Vec<(u64, u32)> = (0..pairs.len() as u32)
            .filter(|&customer| pairs[customer as usize] > 0)
            .map(|customer| (self.lot(records.customers.ids.get(customer as usize)), customer))
            .collect();
        order.sort_unstable();
        let mut drawn = vec![false; pairs.len()];
        let mut rows = 0;
        for (_, customer) in order {
            rows += pairs[customer as usize];
            if rows > self.rows {
                break;
            }
            drawn[customer as usize] = true;
        }
        Some(drawn)
    }

    /// The random number of a customer: the FNV-1a hash of the id, mixed with the seed.
    fn lot(self, id: &str) -> u64 {
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        SplitMix::new(self.seed, hash).next_u64()
    }
}

/// Training data for members, from records or from a flat table.
#[derive(Clone, Copy)]
pub(crate) struct Examples<'a> {
    pub(crate) table: Columns<'a>,
    pub(crate) churned: &'a [bool],
    /// The group of each row, such as its customer. Rows of one group are in the same fold.
    pub(crate) groups: &'a [u32],
    /// The weight of each row; `None` if every weight is 1.
    pub(crate) weights: Option<&'a [f64]>,
}

impl Examples<'_> {
    /// Counts the groups that contain churned rows and the groups that contain retained rows, and returns the smaller
    /// count.
    ///
    /// # Errors
    /// `too_little_data` if there are no rows; `single_class` if all labels are equal.
    pub(crate) fn rarer_groups(&self) -> Result<usize> {
        if self.churned.is_empty() {
            return Err(Error::new(
                ErrorKind::TooLittleData,
                "there are no training rows: no customer is eligible at the training dates",
            ));
        }
        let distinct = |wanted: bool| {
            let mut groups: Vec<u32> = self
                .groups
                .iter()
                .zip(self.churned)
                .filter(|(_, churned)| **churned == wanted)
                .map(|(&group, _)| group)
                .collect();
            groups.sort_unstable();
            groups.dedup();
            groups.len()
        };
        let (churned, retained) = (distinct(true), distinct(false));
        if churned == 0 || retained == 0 {
            let all = if churned == 0 { "stayed" } else { "churned" };
            return Err(Error::new(
                ErrorKind::SingleClass,
                format!("all {} rows {all}: there is nothing to learn", self.churned.len()),
            ));
        }
        Ok(churned.min(retained))
    }

    /// Returns a copy of the rows at these positions.
    pub(crate) fn select(&self, rows: &[usize]) -> Selected {
        Selected {
            columns: self.table.columns.iter().map(|column| column.select(rows)).collect(),
            churned: rows.iter().map(|&row| self.churned[row]).collect(),
            groups: rows.iter().map(|&row| self.groups[row]).collect(),
            weights: self
                .weights
                .map(|weights| rows.iter().map(|&row| weights[row]).collect()),
        }
    }
}

/// A copy of some rows of [`Examples`].
pub(crate) struct Selected {
    columns: Vec<FeatureColumn>,
    churned: Vec<bool>,
    groups: Vec<u32>,
    weights: Option<Vec<f64>>,
}

impl Selected {
    /// Returns the rows as training data for members. `names` are the feature names of the examples from which the rows
    /// were selected.
    pub(crate) fn examples<'a>(&'a self, names: &'a [String]) -> Examples<'a> {
        Examples {
            table: Columns {
                names,
                columns: &self.columns,
                rows: self.churned.len(),
            },
            churned: &self.churned,
            groups: &self.groups,
            weights: self.weights.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::error::RecordKind;
    use crate::evaluate::{choose_dates, purge};
    use crate::features::FeaturePlan;
    use crate::model::tests::{day, options, world};
    use crate::model::{ChurnModel, TrainOptions};
    use crate::parallel::Execution;
    use crate::time::MICROS_PER_DAY;

    fn sample(records: &TenantRecords, rows: usize, seed: u64) -> Result<Sample> {
        let plan = FeaturePlan::default().resolve(records)?;
        let dates = [300, 400, 500].map(|at| DateSpan::on(AsOf::new(day(at))));
        let workers = Execution::new().threads(2).workers()?;
        let definition = ChurnDefinition::cancellation(60);
        Sample::draw(records, &dates, &definition, &plan, RowCap { rows, seed }, &workers)
    }

    fn pairs(sample: &Sample) -> BTreeMap<String, usize> {
        let mut pairs = BTreeMap::new();
        for row in 0..sample.matrix.n_rows() {
            *pairs.entry(sample.matrix.customer_id(row).to_owned()).or_default() += 1;
        }
        pairs
    }

    #[test]
    fn whole_customers_are_sampled_if_there_are_too_many_rows() -> Result<()> {
        let records = world(300, 5).records("acme");
        let all = sample(&records, usize::MAX, 1)?;
        assert_eq!(all.subsampled, 0);
        let rows = all.matrix.n_rows() / 3;
        let drawn = sample(&records, rows, 1)?;
        assert!(drawn.matrix.n_rows() <= rows && drawn.matrix.n_rows() > rows - 3);
        assert_eq!(drawn.matrix.n_rows() + drawn.subsampled, all.matrix.n_rows());
        let (whole, part) = (pairs(&all), pairs(&drawn));
        assert!(part.iter().all(|(id, count)| whole[id] == *count));
        assert_ne!(pairs(&sample(&records, rows, 2)?), part);
        Ok(())
    }

    #[test]
    fn sampling_a_customer_does_not_depend_on_other_customers() -> Result<()> {
        let mut wide = world(300, 5);
        let all = pairs(&sample(&wide.records("acme"), 150, 1)?);
        wide.customers.retain(|customer| !customer.customer_id.ends_with('7'));
        let kept: Vec<String> = wide
            .customers
            .iter()
            .map(|customer| customer.customer_id.clone())
            .collect();
        wide.drop_orphans();
        let fewer = pairs(&sample(&wide.records("acme"), 150, 1)?);
        assert!(
            all.keys()
                .filter(|id| kept.contains(id))
                .all(|id| fewer.contains_key(id))
        );
        Ok(())
    }

    /// Returns the customer and the date of each row of a sample that is drawn at the default dates.
    fn spread(
        records: &TenantRecords,
        definition: &ChurnDefinition,
        rows: usize,
        seed: u64,
    ) -> Result<Vec<(String, AsOf)>> {
        let plan = FeaturePlan::standard(&[28])?.resolve(records)?;
        let workers = Execution::new().threads(2).workers()?;
        let spans = choose_dates(AsOf::new(day(500)), day(100), definition.horizon(), 28);
        let sample = Sample::draw(records, &spans, definition, &plan, RowCap { rows, seed }, &workers)?;
        let test = spans[spans.len() - 1];
        let horizon = definition.horizon();
        for embargo in [0, 10] {
            let (kept, proof) = purge(&spans, test, horizon, embargo).unwrap();
            assert!(proof.holds());
            for (row, date) in sample.matrix.as_of.iter().enumerate() {
                let span = spans[sample.spans[row] as usize];
                assert!(span.first() <= *date && *date <= span.last);
                // The label period of a training row must end before the test begins.
                let label_end = horizon.end(date.as_micros()) + i64::from(embargo) * MICROS_PER_DAY;
                assert!(!kept.contains(&span) || label_end <= test.first().as_micros());
                assert!(horizon.end(date.as_micros()) <= horizon.end(day(500).as_micros()));
            }
        }
        let rows = 0..sample.matrix.n_rows();
        Ok(rows
            .map(|row| (sample.matrix.customer_id(row).to_owned(), sample.matrix.as_of[row]))
            .collect())
    }

    #[test]
    fn no_training_pair_of_default_dates_overlaps_the_test() -> Result<()> {
        let records = world(200, 5).records("acme");
        for definition in [
            ChurnDefinition::cancellation(60),
            ChurnDefinition::cancellation(31).with_lead(7),
            ChurnDefinition::inactivity(45, RecordKind::Payments),
            ChurnDefinition::inactivity(20, RecordKind::Activities),
        ] {
            let pairs = spread(&records, &definition, usize::MAX, 3)?;
            assert_eq!(pairs, spread(&records, &definition, usize::MAX, 3)?);
            assert_ne!(pairs, spread(&records, &definition, usize::MAX, 4)?);
            let days: BTreeSet<AsOf> = pairs.iter().map(|(_, date)| *date).collect();
            assert!(days.len() > 50, "{}", days.len());
        }
        Ok(())
    }

    #[test]
    fn the_day_of_a_customer_does_not_depend_on_other_customers() -> Result<()> {
        let definition = ChurnDefinition::inactivity(45, RecordKind::Payments);
        let mut wide = world(200, 5);
        let all: BTreeSet<(String, AsOf)> = spread(&wide.records("acme"), &definition, usize::MAX, 1)?
            .into_iter()
            .collect();
        wide.customers.retain(|customer| !customer.customer_id.ends_with('7'));
        wide.drop_orphans();
        let fewer = spread(&wide.records("acme"), &definition, usize::MAX, 1)?;
        assert!(fewer.len() > 500 && fewer.iter().all(|pair| all.contains(pair)));
        Ok(())
    }

    #[test]
    fn the_report_counts_subsampled_pairs() -> Result<()> {
        let records = world(200, 5).records("acme");
        let model = ChurnModel::train(
            &records,
            &TrainOptions {
                max_rows: 300,
                ..options(2)
            },
        )?;
        assert!(model.report().subsampled > 0 && model.report().rows <= 300);
        Ok(())
    }
}
