//! SIMD kernels. The fastest kernel that the CPU supports is selected at run time.
//!
//! This is the only module with `unsafe` code. There are two kinds of unsafe code. First, a kernel is called after the
//! CPU features that it needs were detected. Second, whole arrays are loaded and stored through references to these
//! arrays. A `SAFETY` comment justifies each use.
//!
//! Every kernel makes the same comparisons as the tree walk in `score`, and adds the same leaf values in the same
//! order. Results are therefore bit-identical for all kernels.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use super::Input;
use super::plan::{BLOCK, Column, Mask, Plan};
use super::ranks::{RankColumn, RankLine, Top};

/// The instruction set that a kernel uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    Avx512,
    Avx2,
}

impl Kernel {
    /// Returns the kernels that this machine supports. The fastest is first.
    pub(super) fn all() -> Vec<Self> {
        let all = [Self::Avx512, Self::Avx2];
        all.into_iter().filter(|kernel| kernel.runs()).collect()
    }

    /// Returns the fastest kernel that this machine supports.
    pub(super) fn best() -> Option<Self> {
        Self::all().first().copied()
    }

    /// Returns whether this machine supports the kernel. The compiler option `--cfg churn_without_avx512` disables the
    /// AVX-512 kernel, so that the speed of the other kernels can be measured on a machine with AVX-512.
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

    /// For each row of a block, adds the values of the leaves that the row reaches (one leaf per tree) to the sum of
    /// the row. `columns` has one column per feature, in order.
    ///
    /// Does nothing if the machine does not support the kernel. [`all`](Self::all) returns the supported kernels.
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

    /// Computes the slot of each row of a block. The slot is the number of the node that the row reaches after the
    /// first splits (the top) of a tree. Returns `false` if the machine does not support the kernel.
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

    /// For each value, writes its rank, which is the number of thresholds in `sorted` that are below the value. For
    /// NaN, writes `missing`. Returns `false` and writes nothing if the kernel is not [`Avx512`](Self::Avx512), or if
    /// the machine does not support it.
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
