//! Confidence intervals of metrics from a bootstrap that resamples whole customers.

use crate::error::Result;
use crate::metrics::ranked::Ranked;
use crate::numeric::SplitMix;
use crate::parallel::Workers;

/// A metric that is computed from rows sorted by score; `None` if the metric is undefined.
pub(crate) type Metric<'a> = Box<dyn Fn(&Ranked) -> Option<f64> + Sync + 'a>;

/// Returns the percentile bootstrap interval of each metric (Efron and Tibshirani, 1993). The interval contains the
/// middle fraction `level` of the bootstrap replicates. Customers are drawn with replacement, together with all their
/// rows. An interval is `None` if its metric is undefined in at least half of the replicates.
pub(crate) fn bootstrap_intervals(
    ranked: &Ranked,
    customers: &[u32],
    metrics: &[Metric<'_>],
    replicates: usize,
    level: f64,
    seed: u64,
    workers: &Workers,
) -> Result<Vec<Option<(f64, f64)>>> {
    let mut distinct = customers.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let positions: Vec<usize> = customers
        .iter()
        .map(|customer| distinct.partition_point(|known| known < customer))
        .collect();
    let figures = workers.map(0..replicates, |replicate| {
        let mut random = SplitMix::new(seed, replicate as u64);
        let mut drawn = vec![0u32; distinct.len()];
        for _ in 0..distinct.len() {
            drawn[random.below(distinct.len())] += 1;
        }
        let mut ranked = ranked.clone();
        ranked.reweigh(|row| f64::from(drawn[positions[row]]));
        Ok(metrics.iter().map(|metric| metric(&ranked)).collect::<Vec<_>>())
    })?;
    let interval = |metric: usize| {
        let mut values: Vec<f64> = figures
            .iter()
            .filter_map(|figures| figures[metric])
            .filter(|value| value.is_finite())
            .collect();
        values.sort_unstable_by(f64::total_cmp);
        (values.len() * 2 > replicates).then(|| {
            let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
            (at((1.0 - level) / 2.0), at((1.0 + level) / 2.0))
        })
    };
    Ok((0..metrics.len()).map(interval).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::Execution;

    #[test]
    fn intervals_contain_the_metric_and_do_not_depend_on_threads() {
        let mut random = SplitMix::new(1, 1);
        let scores: Vec<f64> = (0..500).map(|_| random.unit()).collect();
        let churned: Vec<bool> = scores.iter().map(|&p| random.unit() < p).collect();
        let customers: Vec<u32> = (0..500).map(|row| row / 2).collect();
        let ranked = Ranked::new(&churned, &scores);
        let run = |threads| {
            bootstrap_intervals(
                &ranked,
                &customers,
                &[Box::new(Ranked::roc_auc), Box::new(Ranked::brier)],
                100,
                0.9,
                3,
                &Execution::new().threads(threads).workers().unwrap(),
            )
            .unwrap()
        };
        assert_eq!(run(1), run(3));
        let (low, high) = run(1)[0].unwrap();
        let auc = ranked.roc_auc().unwrap();
        assert!(low < auc && auc < high && high - low < 0.2);
    }
}
