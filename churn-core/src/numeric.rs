//! Numerical functions with bit-identical results on every machine.
//!
//! The results of the standard library's `exp` and `ln` differ between platforms. The functions of this module
//! therefore use a fixed version of the pure-Rust crate `libm` (a port of musl), without fused multiply-add.

#![allow(clippy::disallowed_methods)]

/// The exponential function: e to the power `x`.
pub(crate) fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// The natural logarithm of `x`.
pub(crate) fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Cosine of an angle in radians.
pub(crate) fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// ln(1 + x), accurate near zero.
pub(crate) fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// The probability that corresponds to the log-odds `z`.
pub(crate) fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + exp(-z))
    } else {
        let e = exp(z);
        e / (1.0 + e)
    }
}

/// The log-odds of a probability. The result is clamped to about ±36, so it is finite even for the probabilities 0 and
/// 1.
pub(crate) fn logit(p: f64) -> f64 {
    let p = p.clamp(2.0e-16, 1.0 - 2.0e-16);
    ln(p / (1.0 - p))
}

/// ln(1 + e^z), computed without overflow. This is the log-loss of a row that did not churn and has log-odds `z` of
/// churn.
pub(crate) fn softplus(z: f64) -> f64 {
    if z > 0.0 { z + ln_1p(exp(-z)) } else { ln_1p(exp(z)) }
}

/// The log-loss and the churn probability of a row with log-odds `z`. The results are bit-identical to those of
/// [`softplus`] and [`sigmoid`], but both are computed from the same exponential, which is faster than calling the two
/// functions.
pub(crate) fn log_loss_and_probability(z: f64, churned: bool) -> (f64, f64) {
    let e = exp(-z.abs());
    let wrong = if churned { -z } else { z };
    let loss = if wrong > 0.0 { wrong + ln_1p(e) } else { ln_1p(e) };
    (loss, if z >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) })
}

/// SplitMix64, a seeded pseudo-random number generator. One seed gives many independent sequences of numbers (streams).
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(u64);

impl SplitMix {
    /// Creates the generator of one sequence of numbers (stream). Each stream of a seed begins at a different
    /// pseudo-random state.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut mixed = Self(seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        let first = mixed.next_u64();
        Self(first ^ stream)
    }

    /// A uniformly distributed 64-bit number.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A uniformly distributed number in `0..bound`. `bound` must be greater than 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A uniformly distributed number in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_pinned() {
        assert_eq!(exp(1.0).to_bits(), 0x4005_bf0a_8b14_576a);
        assert_eq!(ln(10.0).to_bits(), 0x4002_6bb1_bbb5_5516);
        assert_eq!(sigmoid(0.0), 0.5);
        assert!((sigmoid(logit(0.3)) - 0.3).abs() < 1e-15);
        assert!(logit(0.0).is_finite() && logit(1.0).is_finite());
    }

    #[test]
    fn loss_and_probability_equal_separate_computation() {
        let mut random = SplitMix::new(3, 1);
        let drawn = (0..2000).map(|_| (random.unit() - 0.5) * 90.0);
        for z in drawn.chain([0.0, -0.0, 800.0, -800.0, f64::INFINITY, f64::NEG_INFINITY]) {
            for churned in [true, false] {
                let (loss, probability) = log_loss_and_probability(z, churned);
                assert_eq!(loss.to_bits(), softplus(if churned { -z } else { z }).to_bits());
                assert_eq!(probability.to_bits(), sigmoid(z).to_bits());
            }
        }
    }

    #[test]
    fn streams_differ_and_repeat() {
        let first = |seed, stream| SplitMix::new(seed, stream).next_u64();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(2, 1));
        assert_ne!(first(0, 0), first(0, 1));
    }
}
