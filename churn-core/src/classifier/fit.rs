//! Fits one ensemble if there are two classes, or one ensemble per class if there are more than two (one-vs-rest).

use crate::calibration::Intervals;
use crate::classifier::bytes::{self, Metadata, Parts};
use crate::classifier::dataset::Dataset;
use crate::classifier::options::{ClassWeights, ClassifierOptions};
use crate::classifier::report::{ClassifierPart, ClassifierReport};
use crate::classifier::rows::order;
use crate::classifier::{ChurnClassifier, FlatColumns};
use crate::error::{Error, ErrorKind, Result};
use crate::features::{Columns, FeatureColumn};
use crate::input::kinds;
use crate::leakage::{LeakageFinding, allowed_exist, decide, examine_table};
use crate::metrics::{log_loss, roc_auc};
use crate::model::{Examples, MemberReport, fit};

impl ChurnClassifier {
    /// Fits a classifier to a flat table. With two classes, the classifier has one ensemble. With more classes, it has
    /// one ensemble per class (one-vs-rest).
    ///
    /// A text column is read as numbers if all its texts spell numbers. Blank texts then count as missing. Timestamps
    /// are converted to days.
    ///
    /// If all weights are integers and their sum is small, a row with weight 3 gives the same result as three copies of
    /// the row, bit for bit. The sum is small if it is at most 10 000 or at most twice the number of rows. In all other
    /// cases, the weights are scaled to a mean of 1. The result does not depend on the number of threads or on the
    /// order of the rows.
    ///
    /// If two groups contain equal rows with the same label, the groups are merged, so that the equal rows are in the
    /// same fold. Groups are not merged if one group would then contain most of the rows, or if a class would be left
    /// with fewer than two groups.
    ///
    /// ```
    /// use churn_core::{ChurnClassifier, ClassifierOptions, Column, Dataset, Execution, Table};
    ///
    /// // Sixty customers with three dates each.
    /// let customers: Vec<String> = (0..180).map(|row| format!("C-{}", row / 3)).collect();
    /// let minutes: Vec<f64> = (0..180).map(|row| f64::from(row / 3 * 37 % 60 + row % 3)).collect();
    /// let churned: Vec<bool> = minutes.iter().enumerate().map(|(row, m)| *m < 20.0 && row / 3 % 7 > 0).collect();
    /// let table = Table::new().with_column("minutes", Column::Floats(minutes))?;
    ///
    /// let dataset = Dataset::new(&table, &churned).with_groups(&customers);
    /// let model = ChurnClassifier::fit(&dataset, &ClassifierOptions::default())?;
    /// assert_eq!(model.report().groups, Some(60));
    /// let intervals = model.predict_interval(&table, &Execution::default())?;
    /// let probabilities = model.predict_proba(&table, &Execution::default())?;
    /// for (interval, p) in intervals.rows().into_iter().zip(probabilities.column(1)) {
    ///     assert!(interval[0] <= *p && *p <= interval[1]);
    /// }
    /// # Ok::<(), churn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `leakage` if a column leaks the target and [`ClassifierOptions::leakage`] is `Refuse` (the message names the
    /// column and the evidence); `single_class` if all rows have the same class; `too_little_data` if there are no rows
    /// or no columns, or if only one group has rows of a class; `not_finite` or `bad_type` if a value is invalid (the
    /// error names the row and the column); `invalid_option` if the number of labels, groups or weights differs from
    /// the number of rows; `cancelled` if the caller cancelled the call.
    pub fn fit(dataset: &Dataset<'_>, options: &ClassifierOptions) -> Result<Self> {
        let Dataset {
            table,
            classes,
            groups,
            weights,
        } = dataset;
        let (table, classes, groups, weights) = (*table, classes.as_slice(), groups.as_deref(), *weights);
        let mut workers = options.execution.workers()?;
        if classes.len() != table.n_rows() {
            let message = format!("there are {} rows and {} labels", table.n_rows(), classes.len());
            return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("labels")));
        }
        let names: Vec<String> = table.column_names().map(str::to_owned).collect();
        if names.is_empty() || classes.is_empty() {
            let message = format!(
                "there are {} columns and {} rows to learn from",
                names.len(),
                classes.len()
            );
            return Err(Error::new(ErrorKind::TooLittleData, message));
        }
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        allowed_exist(&options.allow_columns, &known)?;
        let (kinds, column_notes) = kinds(table, &options.categorical, &workers)?;
        let given = FlatColumns::read(table, names, &kinds, &workers)?;
        let count = classes.iter().max().map_or(0, |&most| most as usize + 1);
        let weights = weigh(classes, count, weights, &options.class_weight)?;
        let order = order(&given.columns, classes, weights.as_deref(), groups)?;
        let columns: Vec<FeatureColumn> = given.columns.iter().map(|column| column.select(&order.rows)).collect();
        let names = given.names;
        let labels: Vec<u32> = order.rows.iter().map(|&row| classes[row]).collect();
        let rows_of_class = rows_of_class(&labels, count)?;
        if count > 2 && !options.ensemble.monotone_constraints.is_empty() {
            let message = format!(
                "monotone_constraints: the probabilities of {count} classes cannot all rise or fall with a column"
            );
            return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("monotone_constraints")));
        }
        let wanted = if count == 2 { 1..2 } else { 0..count };
        let (total, first) = (wanted.len() as f64, wanted.start);
        let (mut scorers, mut reported, mut leaks) = (vec![], vec![], vec![]);
        let mut intervals = None;
        for class in wanted {
            let churned: Vec<bool> = labels.iter().map(|&label| label as usize == class).collect();
            let examples = Examples {
                table: Columns {
                    names: &names,
                    columns: &columns,
                    rows: labels.len(),
                },
                churned: &churned,
                groups: &order.groups,
                weights: order.weights.as_deref(),
            };
            let found = examine_table(examples.table, &churned, examples.groups, options.seed, &workers)?;
            let found = decide(found, options.leakage, &options.allow_columns, None)?;
            for leak in found {
                if leaks.iter().all(|known: &LeakageFinding| known.column != leak.column) {
                    leaks.push(leak);
                }
            }
            let done = (class - first) as f64;
            let part = (done / total, (done + 1.0) / total);
            let (scorer, held_out) = fit(&examples, &options.ensemble, options.seed, &mut workers, part)?;
            let members = scorer
                .members
                .iter()
                .zip(scorer.blend.weights())
                .zip(&held_out.member_log_loss);
            reported.push(ClassifierPart {
                class: class as u32,
                members: members
                    .map(|((member, &weight), &log_loss)| MemberReport {
                        name: member.name().to_owned(),
                        weight,
                        log_loss,
                    })
                    .collect(),
                calibration: scorer.calibrator.name().to_owned(),
                log_loss: log_loss(&churned, &held_out.probabilities).unwrap_or(f64::NAN),
                roc_auc: roc_auc(&churned, &held_out.probabilities),
            });
            if count == 2 {
                intervals = Some(Intervals::fit(
                    &scorer.calibrator,
                    &held_out.log_odds,
                    &churned,
                    examples.weights,
                    examples.groups,
                    options.seed,
                    &workers,
                )?);
            }
            scorers.push(scorer);
        }
        workers.report("done", 1, 1);
        let report = ClassifierReport {
            rows: labels.len(),
            rows_of_class,
            groups: Some(distinct(&order.groups)),
            parts: reported,
            dropped_members: options.ensemble.dropped_members(),
            monotone_constraints: options.ensemble.monotone_constraints.clone(),
            leaks,
            column_notes,
        };
        // The returned classifier is read from its own bytes. A classifier that is saved and loaded therefore cannot
        // score differently.
        Self::from_bytes(&bytes::write(
            &Metadata::new(names, count, intervals, report),
            &Parts { kinds, scorers },
        )?)
    }
}

/// Returns the number of distinct groups.
fn distinct(groups: &[u32]) -> usize {
    groups.iter().max().map_or(0, |&most| most as usize + 1)
}

/// Returns the number of rows of each class.
///
/// # Errors
/// `single_class` if there is only one class; `too_little_data` if a class has no rows.
fn rows_of_class(labels: &[u32], classes: usize) -> Result<Vec<usize>> {
    let mut rows = vec![0; classes];
    for &label in labels {
        rows[label as usize] += 1;
    }
    if rows.iter().filter(|&&rows| rows > 0).count() < 2 {
        let message = format!(
            "all {} rows with a positive weight have the same class: there is nothing to learn",
            labels.len()
        );
        return Err(Error::new(ErrorKind::SingleClass, message));
    }
    match rows.iter().position(|&rows| rows == 0) {
        None => Ok(rows),
        Some(class) => {
            let message = format!("class {class} has no row with a positive weight");
            Err(Error::new(ErrorKind::TooLittleData, message))
        }
    }
}

/// Returns the weight of each row times the weight of its class. `None` if all weights are 1.
fn weigh(
    classes: &[u32],
    count: usize,
    weights: Option<&[f64]>,
    class_weights: &ClassWeights,
) -> Result<Option<Vec<f64>>> {
    let weight = |row: usize| weights.and_then(|weights| weights.get(row)).copied().unwrap_or(1.0);
    let factors = match class_weights {
        ClassWeights::Equal => return Ok(weights.map(<[f64]>::to_vec)),
        ClassWeights::Balanced => {
            let mut totals = vec![0.0; count];
            for (row, &class) in classes.iter().enumerate() {
                totals[class as usize] += weight(row);
            }
            let all: f64 = totals.iter().sum();
            let share = all / count as f64;
            totals
                .iter()
                .map(|&total| if total > 0.0 { share / total } else { 0.0 })
                .collect()
        }
        ClassWeights::Given(given) => given.clone(),
    };
    let valid = factors.len() == count && factors.iter().all(|factor| factor.is_finite() && *factor >= 0.0);
    if !valid {
        let message = format!("class weights must be {count} numbers that are not negative, one for each class");
        return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("class_weight")));
    }
    if let Some(weights) = weights.filter(|weights| weights.len() != classes.len()) {
        let message = format!("there are {} rows and {} sample weights", classes.len(), weights.len());
        return Err(Error::new(ErrorKind::InvalidOption, message).at(None, None, Some("sample_weight")));
    }
    Ok(Some(
        classes
            .iter()
            .enumerate()
            .map(|(row, &class)| weight(row) * factors[class as usize])
            .collect(),
    ))
}
