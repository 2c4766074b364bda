//! Chooses the strength of the L2 penalty by cross-validation.

use ndarray::ArrayView2;

use crate::ensemble::logistic::descent::minimise;
use crate::ensemble::logistic::problem::Problem;
use crate::ensemble::logistic::{LinearModel, LogisticOptions};
use crate::ensemble::select;
use crate::error::Result;
use crate::numeric::log_loss_and_probability;
use crate::parallel::Workers;

/// The strengths of the L2 penalty that are tried, with the strongest first. Each fit starts from the coefficients of
/// the fit with the previous, stronger penalty.
const PATH: [f64; 8] = [3000.0, 1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0];

/// Returns the penalty in [`PATH`] with the lowest out-of-fold log-loss. For each row, `folds` contains the number of
/// the row's fold.
pub(crate) fn choose_l2(
    x: ArrayView2<'_, f64>,
    churned: &[bool],
    weights: Option<&[f64]>,
    folds: &[usize],
    workers: &Workers,
) -> Result<f64> {
    let count = folds.iter().max().map_or(0, |&most| most + 1);
    // The preconditioner of every fit is computed from all rows, including the held-out rows of the fold. The
    // preconditioner affects only the speed of the fit, so it need not be exact.
    let squares = Problem::new(x, churned, weights)?.squares(workers)?;
    let losses = workers.map(0..count, |fold| {
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..folds.len()).partition(|&row| folds[row] != fold);
        let pick = |rows: &[usize]| {
            (
                select(x, rows),
                rows.iter().map(|&row| churned[row]).collect::<Vec<bool>>(),
                weights.map(|weights| rows.iter().map(|&row| weights[row]).collect::<Vec<f64>>()),
            )
        };
        let ((train, train_churned, train_weights), (test, test_churned, test_weights)) =
            (pick(&inside), pick(&outside));
        let problem = Problem::new(train.view(), &train_churned, train_weights.as_deref())?;
        let mut at = problem.start();
        let mut losses = vec![];
        for l2 in PATH {
            let options = LogisticOptions {
                l2,
                // A smaller tolerance is not needed. The log-losses of two penalties differ by much more than the error
                // that this tolerance causes.
                tolerance: 1e-5,
                ..Default::default()
            };
            at = minimise(&problem, &squares, &options, at, workers)?;
            let log_odds = LinearModel::new(at.clone(), vec![]).log_odds(test.view(), workers)?;
            let of_row = |(row, &z): (usize, &f64)| {
                let weight = test_weights.as_ref().map_or(1.0, |weights| weights[row]);
                weight * log_loss_and_probability(z, test_churned[row]).0
            };
            losses.push(log_odds.iter().enumerate().map(of_row).sum::<f64>());
        }
        Ok(losses)
    })?;
    let total = |position: usize| losses.iter().map(|losses| losses[position]).sum::<f64>();
    let best = (0..PATH.len()).fold(
        0,
        |best, position| {
            if total(position) < total(best) { position } else { best }
        },
    );
    Ok(PATH[best])
}
