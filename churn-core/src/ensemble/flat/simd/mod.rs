//! SIMD kernels, selected at run time.
//!
//! This is the only module with `unsafe` code. The unsafe code is of two kinds, and a comment justifies each use: calls
//! of a kernel after its CPU features were detected, and loads and stores of whole arrays through references to these
//! arrays.
//!
//! Every kernel makes the same comparisons and sums the same leaves in the same order as the walk in `score`, so
//! results are bit-identical for all kernels.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::Input;
use super::plan::{BLOCK, Column, Mask, Plan};
use super::ranks::{RankColumn, RankLine, Top};

/// The instruction set of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    Avx512,
    Avx2,
}

impl Kernel {
    /// The kernels that this machine supports, the fastest first.
    pub(super) fn all() -> Vec<Self> {
        let all = [Self::Avx512, Self::Avx2];
        all.into_iter().filter(|kernel| kernel.runs()).collect()
    }

    /// The fastest kernel that this machine supports.
    pub(super) fn best() -> Option<Self> {
        Self::all().first().copied()
    }

    /// `--cfg churn_without_avx512` disables this kernel, so that a machine with AVX-512 can measure the speed of one
    /// without.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    fn runs(self) -> bool {
        use std::arch::is_x86_feature_detected as has;
        match self {
            Self::Avx512 if cfg!(churn_without_avx512) => false,
            Self::Avx512 => has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl"),
            Self::Avx2 => has!("avx2"),
        }
    }

    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    fn runs(self) -> bool {
        false
    }

    /// Adds the leaf that each row reaches in every tree to the sum of the row, for one block of rows. `columns` has
    /// one column per feature, in order.
    ///
    /// Does nothing if the machine does not support the kernel. [`all`](Self::all) lists the supported kernels.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub(super) fn add<T: Input>(self, plan: &Plan, columns: &[Column<T>], masks: &mut [Mask], sums: &mut [f64; BLOCK]) {
        #[cfg(target_arch = "x86_64")]
        if self.runs() {
            // SAFETY: `runs` has just detected the instructions that the kernel is compiled for.
            unsafe {
                match self {
                    Self::Avx512 => avx512::add(plan, columns, masks, sums),
                    Self::Avx2 => avx2::add(plan, columns, masks, sums),
                }
            }
        }
    }

    /// Finds the slot of each row of a block in the top of a tree. Returns `false` if the machine does not support the
    /// kernel.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub(super) fn top(self, top: &Top, ranks: &[RankLine], slots: &mut [u8; BLOCK]) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self.runs() {
            // SAFETY: `runs` has just detected the instructions that the kernel is compiled for.
            unsafe {
                match self {
                    Self::Avx512 => avx512::top(top, ranks, slots),
                    Self::Avx2 => avx2::top(top, ranks, slots),
                }
            }
            return true;
        }
        false
    }

    /// Writes the number of sorted thresholds below each value, and `missing` for NaN. Returns `false` if the machine
    /// does not support the kernel.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub(super) fn rank<T: Input>(
        self,
        sorted: &[f64],
        missing: u16,
        values: &Column<T>,
        ranks: &mut RankColumn,
    ) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Avx512 && self.runs() && sorted.len() < 1 << 16 {
            // SAFETY: `runs` has just detected the instructions that the kernel is compiled for.
            unsafe { avx512::rank(sorted, missing, values, ranks) };
            return true;
        }
        false
    }
}
