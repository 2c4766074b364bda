//! Gauss-Legendre quadrature on [0, 1]: a rule with `n` points integrates every polynomial of degree below `2n`
//! exactly.

use crate::numeric::cos;

/// A quadrature point with its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(crate) at: f64,
    /// The value `1 - at`, computed in a way that is precise even if `at` is close to 1.
    pub(crate) rest: f64,
    pub(crate) weight: f64,
}

/// Returns the quadrature rule with `count` points. The points are in ascending order.
pub(crate) fn gauss_legendre(count: usize) -> Vec<Point> {
    let mut points = vec![Point::default(); count];
    let n = count as f64;
    // The points are symmetric about 1/2. Newton's method finds each root of the Legendre polynomial, starting from
    // Tricomi's estimate of the root.
    for index in 0..count.div_ceil(2) {
        let mut root = cos(std::f64::consts::PI * (index as f64 + 0.75) / (n + 0.5));
        let mut slope = 1.0;
        for _ in 0..8 {
            let (mut value, mut before) = (1.0, 0.0);
            for degree in 0..count {
                let k = degree as f64;
                let next = ((2.0 * k + 1.0) * root * value - k * before) / (k + 1.0);
                (before, value) = (value, next);
            }
            slope = n * (root * value - before) / (root * root - 1.0);
            root -= value / slope;
        }
        let (near, far) = ((1.0 - root) / 2.0, (1.0 + root) / 2.0);
        let weight = 1.0 / ((1.0 - root * root) * slope * slope);
        points[index] = Point {
            at: near,
            rest: far,
            weight,
        };
        points[count - 1 - index] = Point {
            at: far,
            rest: near,
            weight,
        };
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for count in 1..=64 {
            let points = gauss_legendre(count);
            assert!(points.is_sorted_by(|a, b| a.at < b.at));
            for degree in 0..2 * count {
                let integral: f64 = points
                    .iter()
                    .map(|point| point.weight * point.at.powi(degree as i32))
                    .sum();
                let expected = 1.0 / (degree as f64 + 1.0);
                assert!((integral / expected - 1.0).abs() < 1e-13, "{count} {degree}");
            }
        }
    }

    #[test]
    fn high_degrees_stay_accurate_with_many_points() {
        let points = gauss_legendre(256);
        for degree in [511, 1000, 5000] {
            for of in [|point: &Point| point.at, |point: &Point| point.rest] {
                let integral: f64 = points.iter().map(|point| point.weight * of(point).powi(degree)).sum();
                assert!((integral * (f64::from(degree) + 1.0) - 1.0).abs() < 1e-11);
            }
        }
    }
}
