//! Kernels that use what the machine has. The only room with `unsafe`; two kinds of it, each argued where it stands:
//! a call of a kernel, behind a look at the machine, and a load or store of a whole array through its reference.
//!
//! Every kernel compares the same numbers and adds the same leaves in the same order as the walk in `score`, so which one
//! runs never shows in a result.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::Input;
use super::plan::{BLOCK, Column, Mask, Plan};
use super::ranks::{Crown, RankColumn, RankLine};

/// Instructions that a kernel is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    Avx512,
    Avx2,
}

impl Kernel {
    /// The kernels that run here, the fastest first.
    pub(super) fn all() -> Vec<Self> {
        let all = [Self::Avx512, Self::Avx2];
        all.into_iter().filter(|kernel| kernel.runs()).collect()
    }

    /// The fastest that runs here; none on a machine without.
    pub(super) fn best() -> Option<Self> {
        Self::all().first().copied()
    }

    /// `--cfg churn_without_avx512` leaves that kernel out, to measure what machines without it have.
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

    /// Adds every tree's leaf to the sums of a block of rows, whose columns are the features in order.
    ///
    /// Does nothing on a machine that the kernel does not run on, which [`all`](Self::all) does not name.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub(super) fn add<T: Input>(self, plan: &Plan, columns: &[Column<T>], masks: &mut [Mask], sums: &mut [f64; BLOCK]) {
        #[cfg(target_arch = "x86_64")]
        if self.runs() {
            // SAFETY: `runs` has just found the instructions that the kernel is compiled for.
            unsafe {
                match self {
                    Self::Avx512 => avx512::add(plan, columns, masks, sums),
                    Self::Avx2 => avx2::add(plan, columns, masks, sums),
                }
            }
        }
    }

    /// Brings each row of a block to a slot of a tree's crown. Whether it did: not on a machine that the kernel does not run on.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub(super) fn crown(self, crown: &Crown, ranks: &[RankLine], slots: &mut [u8; BLOCK]) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self.runs() {
            // SAFETY: `runs` has just found the instructions that the kernel is compiled for.
            unsafe {
                match self {
                    Self::Avx512 => avx512::crown(crown, ranks, slots),
                    Self::Avx2 => avx2::crown(crown, ranks, slots),
                }
            }
            return true;
        }
        false
    }

    /// Writes how many of the sorted thresholds are below each value, and `missing` where there is none. Whether it did.
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
            // SAFETY: `runs` has just found the instructions that the kernel is compiled for.
            unsafe { avx512::rank(sorted, missing, values, ranks) };
            return true;
        }
        false
    }
}
