//! Kernels for CPUs with AVX2.

use std::arch::x86_64::*;

use super::super::Input;
use super::super::plan::{BLOCK, Column, MOST_LEAVES, Mask, Plan, Shape, Step};
use super::super::ranks::{RankLine, Top};

/// See [`super::Kernel::add`].
#[target_feature(enable = "avx2")]
pub(super) fn add<T: Input>(plan: &Plan, columns: &[Column<T>], masks: &mut [Mask], sums: &mut [f64; BLOCK]) {
    for asked in &plan.asked {
        for (range, missing_right) in [(asked.left.clone(), false), (asked.right.clone(), true)] {
            let out = &mut masks[range.clone()];
            match T::column(&columns[asked.feature]) {
                Ok(column) => compare_f32(column, &plan.thresholds_f32[range], out, missing_right),
                Err(column) => compare_f64(column, &plan.thresholds[range], out, missing_right),
            }
        }
    }
    for (asked, mask) in plan.sets.iter().zip(&mut masks[plan.thresholds.len()..]) {
        *mask = asked.answer(&columns[asked.feature]);
    }
    let mut begin = 0;
    for shape in &plan.shapes {
        let steps = &plan.steps[begin..shape.end];
        begin = shape.end;
        match steps.len() {
            0..16 => tree::<16, 4>(steps, shape, masks, sums),
            16..32 => tree::<32, 5>(steps, shape, masks, sums),
            _ => tree::<MOST_LEAVES, 6>(steps, shape, masks, sums),
        }
    }
}

#[target_feature(enable = "avx2")]
fn compare_f32(column: &Column<f32>, thresholds: &[f32], masks: &mut [Mask], missing_right: bool) {
    for part in 0..4 {
        let values: [__m256; 8] = std::array::from_fn(|group| {
            let values: &[f32] = &column.0[part * 64 + group * 8..][..8];
            // SAFETY: 8 numbers are read from a slice of 8.
            unsafe { _mm256_loadu_ps(values.as_ptr()) }
        });
        for (&threshold, mask) in thresholds.iter().zip(masks.iter_mut()) {
            let threshold = _mm256_set1_ps(threshold);
            for (pair, bits) in values.chunks_exact(2).zip(&mut mask.0[part * 4..]) {
                let (low, high) = if missing_right {
                    let low = _mm256_cmp_ps::<_CMP_NLE_UQ>(pair[0], threshold);
                    (low, _mm256_cmp_ps::<_CMP_NLE_UQ>(pair[1], threshold))
                } else {
                    let low = _mm256_cmp_ps::<_CMP_GT_OQ>(pair[0], threshold);
                    (low, _mm256_cmp_ps::<_CMP_GT_OQ>(pair[1], threshold))
                };
                *bits = (_mm256_movemask_ps(low) | _mm256_movemask_ps(high) << 8) as u16;
            }
        }
    }
}

#[target_feature(enable = "avx2")]
fn compare_f64(column: &Column<f64>, thresholds: &[f64], masks: &mut [Mask], missing_right: bool) {
    for part in 0..8 {
        let values: [__m256d; 8] = std::array::from_fn(|group| {
            let values: &[f64] = &column.0[part * 32 + group * 4..][..4];
            // SAFETY: 4 numbers are read from a slice of 4.
            unsafe { _mm256_loadu_pd(values.as_ptr()) }
        });
        for (&threshold, mask) in thresholds.iter().zip(masks.iter_mut()) {
            let threshold = _mm256_set1_pd(threshold);
            for (four, bits) in values.chunks_exact(4).zip(&mut mask.0[part * 2..]) {
                *bits = 0;
                for (number, &value) in four.iter().enumerate() {
                    let right = if missing_right {
                        _mm256_cmp_pd::<_CMP_NLE_UQ>(value, threshold)
                    } else {
                        _mm256_cmp_pd::<_CMP_GT_OQ>(value, threshold)
                    };
                    *bits |= (_mm256_movemask_pd(right) as u16) << (4 * number);
                }
            }
        }
    }
}

/// Evaluates all steps (splits) of a tree. The steps divide the rows of a block among slots. Returns the slot of each
/// row (the number of the leaf or node that the row reaches). Slots are returned as bit planes: plane `b` holds bit `b`
/// of the slot number of every row.
#[target_feature(enable = "avx2")]
fn slots<const SLOTS: usize, const BITS: usize>(steps: &[Step], masks: &[Mask]) -> [[i32; 8]; BITS] {
    // For each slot, a bit mask of the rows that are in the slot.
    let mut slots = [_mm256_setzero_si256(); SLOTS];
    slots[0] = _mm256_set1_epi8(-1);
    for (number, step) in steps.iter().enumerate() {
        let mask = &masks[step.question as usize];
        // SAFETY: 32 bytes are read from a mask of 32 bytes.
        let right = unsafe { _mm256_loadu_si256(mask.0.as_ptr().cast()) };
        let rows = slots[step.slot as usize % SLOTS];
        slots[(number + 1) % SLOTS] = _mm256_and_si256(rows, right);
        slots[step.slot as usize % SLOTS] = _mm256_andnot_si256(right, rows);
    }
    // Each round computes the plane of the lowest bit of the slot numbers. This bit is 1 for the rows in odd slots. The
    // round then merges each even slot with the next odd slot. This removes the lowest bit from the slot numbers.
    let mut planes = [[0i32; 8]; BITS];
    let mut count = SLOTS;
    for plane in &mut planes {
        let mut odd = slots[1];
        for pair in 1..count / 2 {
            odd = _mm256_or_si256(odd, slots[2 * pair + 1]);
        }
        // SAFETY: 32 bytes are written to a plane of 32 bytes.
        unsafe { _mm256_storeu_si256(plane.as_mut_ptr().cast(), odd) };
        for pair in 0..count / 2 {
            slots[pair] = _mm256_or_si256(slots[2 * pair], slots[2 * pair + 1]);
        }
        count /= 2;
    }
    planes
}

/// Returns the slots of 32 rows (the numbers of the leaves or nodes that the rows reach), one byte per row. `group`
/// states which 32 rows of the block are meant.
#[target_feature(enable = "avx2")]
fn numbers<const BITS: usize>(planes: &[[i32; 8]; BITS], group: usize) -> [u8; 32] {
    // Each of the 32 bits of a word is expanded to a byte. For this, each of the word's four bytes is copied eight
    // times, and each copy keeps a different bit of the byte.
    let spread = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
    let own = _mm256_set1_epi64x(0x8040_2010_0804_0201u64 as i64);
    let mut numbers = _mm256_setzero_si256();
    for (bit, plane) in planes.iter().enumerate() {
        let bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(plane[group]), spread);
        let set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, own), own);
        numbers = _mm256_or_si256(numbers, _mm256_and_si256(set, _mm256_set1_epi8(1 << bit)));
    }
    let mut slot_of = [0u8; 32];
    // SAFETY: 32 bytes are written to an array of 32 bytes.
    unsafe { _mm256_storeu_si256(slot_of.as_mut_ptr().cast(), numbers) };
    slot_of
}

/// Increases the sum of each row of a block by the value of the leaf that the row reaches in one tree. The tree has at
/// most `SLOTS` leaves. A slot number (the position of a leaf) has `BITS` bits.
#[target_feature(enable = "avx2")]
fn tree<const SLOTS: usize, const BITS: usize>(steps: &[Step], shape: &Shape, masks: &[Mask], sums: &mut [f64; BLOCK]) {
    let planes = slots::<SLOTS, BITS>(steps, masks);
    let leaves: [f64; SLOTS] =
        std::array::from_fn(|slot| f64::from_bits(u64::from(shape.low[slot]) | u64::from(shape.high[slot]) << 32));
    for (group, sums) in sums.chunks_exact_mut(32).enumerate() {
        for (sum, slot) in sums.iter_mut().zip(numbers(&planes, group)) {
            *sum += leaves[usize::from(slot) % SLOTS];
        }
    }
}

/// See [`super::Kernel::top`].
#[target_feature(enable = "avx2")]
pub(super) fn top(top: &Top, ranks: &[RankLine], slots_of: &mut [u8; BLOCK]) {
    let mut masks = [Mask::default(); MOST_LEAVES];
    let columns = ranks.len() * 32 / BLOCK;
    for (split, mask) in top.splits.iter().zip(&mut masks) {
        let lines = ranks.iter().skip(usize::from(split.column)).step_by(columns);
        let bar = _mm256_set1_epi16(split.rank as i16);
        for (line, bits) in lines.zip(mask.0.chunks_exact_mut(2)) {
            // The split's rank is subtracted from the row's rank with saturation at 0. The difference is positive if
            // and only if the row's rank is greater.
            let left = |half: usize| {
                let values: &[u16] = &line.0[16 * half..][..16];
                // SAFETY: 16 numbers are read from a slice of 16.
                let values = unsafe { _mm256_loadu_si256(values.as_ptr().cast()) };
                _mm256_cmpeq_epi16(_mm256_subs_epu16(values, bar), _mm256_setzero_si256())
            };
            // The pack instruction interleaves the 128-bit halves of both vectors. The permutation restores the order
            // of the rows.
            let left = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(left(0), left(1)));
            let right = !_mm256_movemask_epi8(left);
            bits.copy_from_slice(&[right as u16, (right >> 16) as u16]);
        }
    }
    let planes = slots::<MOST_LEAVES, 6>(&top.steps, &masks);
    for (group, slots) in slots_of.chunks_exact_mut(32).enumerate() {
        slots.copy_from_slice(&numbers(&planes, group));
    }
}
