//! Kernels for CPUs with AVX-512 (F, BW, DQ and VL).

use std::arch::x86_64::*;

use super::super::Input;
use super::super::plan::{BLOCK, Column, MOST_LEAVES, Mask, Plan, Shape, Step};
use super::super::ranks::{RankColumn, RankLine, Top};

/// See [`super::Kernel::add`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
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
    let mut shuffled = [0.0; BLOCK];
    for (row, &sum) in sums.iter().enumerate() {
        shuffled[place_of(row)] = sum;
    }
    let mut begin = 0;
    for shape in &plan.shapes {
        let steps = &plan.steps[begin..shape.end];
        begin = shape.end;
        match steps.len() {
            0..16 => tree::<16, 4>(steps, shape, masks, &mut shuffled),
            16..32 => tree::<32, 5>(steps, shape, masks, &mut shuffled),
            _ => tree::<MOST_LEAVES, 6>(steps, shape, masks, &mut shuffled),
        }
    }
    for (row, sum) in sums.iter_mut().enumerate() {
        *sum = shuffled[place_of(row)];
    }
}

/// Returns the index at which the sum of a row is stored. Unpack instructions assemble each leaf value from its low and
/// its high 32 bits. These instructions permute the rows of each group of 16, so the sums are stored in the permuted
/// order.
fn place_of(row: usize) -> usize {
    let within = row % 16;
    row - within + (within / 4) * 2 + within % 2 + if within % 4 < 2 { 0 } else { 8 }
}

#[target_feature(enable = "avx512f")]
fn compare_f32(column: &Column<f32>, thresholds: &[f32], masks: &mut [Mask], missing_right: bool) {
    for half in 0..2 {
        let values: [__m512; 8] = std::array::from_fn(|group| {
            let values: &[f32] = &column.0[half * 128 + group * 16..][..16];
            // SAFETY: 16 numbers are read from a slice of 16.
            unsafe { _mm512_loadu_ps(values.as_ptr()) }
        });
        for (&threshold, mask) in thresholds.iter().zip(masks.iter_mut()) {
            let threshold = _mm512_set1_ps(threshold);
            for (value, bits) in values.iter().zip(&mut mask.0[half * 8..]) {
                *bits = if missing_right {
                    _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(*value, threshold)
                } else {
                    _mm512_cmp_ps_mask::<_CMP_GT_OQ>(*value, threshold)
                };
            }
        }
    }
}

#[target_feature(enable = "avx512f")]
fn compare_f64(column: &Column<f64>, thresholds: &[f64], masks: &mut [Mask], missing_right: bool) {
    for part in 0..4 {
        let values: [__m512d; 8] = std::array::from_fn(|group| {
            let values: &[f64] = &column.0[part * 64 + group * 8..][..8];
            // SAFETY: 8 numbers are read from a slice of 8.
            unsafe { _mm512_loadu_pd(values.as_ptr()) }
        });
        for (&threshold, mask) in thresholds.iter().zip(masks.iter_mut()) {
            let threshold = _mm512_set1_pd(threshold);
            for (pair, bits) in values.chunks_exact(2).zip(&mut mask.0[part * 4..]) {
                let (low, high) = if missing_right {
                    let low = _mm512_cmp_pd_mask::<_CMP_NLE_UQ>(pair[0], threshold);
                    (low, _mm512_cmp_pd_mask::<_CMP_NLE_UQ>(pair[1], threshold))
                } else {
                    let low = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(pair[0], threshold);
                    (low, _mm512_cmp_pd_mask::<_CMP_GT_OQ>(pair[1], threshold))
                };
                *bits = u16::from(low) | u16::from(high) << 8;
            }
        }
    }
}

/// Evaluates all steps (splits) of a tree. The steps divide the rows of a block among slots. Returns the slot of each
/// row (the number of the leaf or node that the row reaches). Slots are returned as bit planes: plane `b` holds bit `b`
/// of the slot number of every row.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn slots<const SLOTS: usize, const BITS: usize>(steps: &[Step], masks: &[Mask]) -> [[u64; 4]; BITS] {
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
    let mut planes = [[0u64; 4]; BITS];
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

/// Returns the slots of 64 rows (the numbers of the leaves or nodes that the rows reach), as four vectors of 16 rows
/// each. `group` states which 64 rows of the block are meant.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn numbers<const BITS: usize>(planes: &[[u64; 4]; BITS], group: usize) -> [__m512i; 4] {
    let mut numbers = _mm512_setzero_si512();
    for (bit, plane) in planes.iter().enumerate() {
        let one = _mm512_set1_epi8(1 << bit);
        numbers = _mm512_mask_add_epi8(numbers, plane[group], numbers, one);
    }
    [
        _mm512_cvtepu8_epi32(_mm512_castsi512_si128(numbers)),
        _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<1>(numbers)),
        _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<2>(numbers)),
        _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<3>(numbers)),
    ]
}

/// Increases the sum of each row of a block by the value of the leaf that the row reaches in one tree. The tree has at
/// most `SLOTS` leaves. A slot number (the position of a leaf) has `BITS` bits.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn tree<const SLOTS: usize, const BITS: usize>(steps: &[Step], shape: &Shape, masks: &[Mask], sums: &mut [f64; BLOCK]) {
    let planes = slots::<SLOTS, BITS>(steps, masks);
    // SAFETY: 16 numbers are read from a slice of 16.
    let load = |halves: &[u32; MOST_LEAVES], from: usize| unsafe {
        _mm512_loadu_si512(halves[from..from + 16].as_ptr().cast())
    };
    for group in 0..4 {
        for (quarter, numbers) in numbers(&planes, group).into_iter().enumerate() {
            let look_up = |halves: &[u32; MOST_LEAVES]| {
                if SLOTS == 16 {
                    return _mm512_permutexvar_epi32(numbers, load(halves, 0));
                }
                let low = _mm512_permutex2var_epi32(load(halves, 0), numbers, load(halves, 16));
                if SLOTS == 32 {
                    return low;
                }
                let high = _mm512_permutex2var_epi32(load(halves, 32), numbers, load(halves, 48));
                let upper = _mm512_test_epi32_mask(numbers, _mm512_set1_epi32(32));
                _mm512_mask_mov_epi32(low, upper, high)
            };
            let (low, high) = (look_up(&shape.low), look_up(&shape.high));
            let leaves = [_mm512_unpacklo_epi32(low, high), _mm512_unpackhi_epi32(low, high)];
            let sums = &mut sums[group * 64 + quarter * 16..][..16];
            for (sums, leaves) in sums.chunks_exact_mut(8).zip(leaves) {
                // SAFETY: 8 numbers are read from and written to a slice of 8.
                unsafe {
                    let sum = _mm512_add_pd(_mm512_loadu_pd(sums.as_ptr()), _mm512_castsi512_pd(leaves));
                    _mm512_storeu_pd(sums.as_mut_ptr(), sum);
                }
            }
        }
    }
}

/// See [`super::Kernel::top`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn top(top: &Top, ranks: &[RankLine], slots_of: &mut [u8; BLOCK]) {
    let mut masks = [Mask::default(); MOST_LEAVES];
    let columns = ranks.len() * 32 / BLOCK;
    for (split, mask) in top.splits.iter().zip(&mut masks) {
        let lines = ranks.iter().skip(usize::from(split.column)).step_by(columns);
        let bar = _mm512_set1_epi16(split.rank as i16);
        for (line, bits) in lines.zip(mask.0.chunks_exact_mut(2)) {
            // SAFETY: 32 numbers are read from a line of 32.
            let values = unsafe { _mm512_loadu_si512(line.0.as_ptr().cast()) };
            let right = _mm512_cmpgt_epu16_mask(values, bar);
            bits.copy_from_slice(&[right as u16, (right >> 16) as u16]);
        }
    }
    let planes = slots::<MOST_LEAVES, 6>(&top.steps, &masks);
    for (group, slots) in slots_of.chunks_exact_mut(64).enumerate() {
        let mut numbers = _mm512_setzero_si512();
        for (bit, plane) in planes.iter().enumerate() {
            let one = _mm512_set1_epi8(1 << bit);
            numbers = _mm512_mask_add_epi8(numbers, plane[group], numbers, one);
        }
        // SAFETY: 64 bytes are written to a slice of 64 bytes.
        unsafe { _mm512_storeu_si512(slots.as_mut_ptr().cast(), numbers) };
    }
}

/// See [`super::Kernel::rank`]. The function performs binary searches for several values at the same time. There must
/// be fewer than 2^16 thresholds.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn rank<T: Input>(sorted: &[f64], missing: u16, values: &Column<T>, ranks: &mut RankColumn) {
    for (values, ranks) in values.0.chunks_exact(32).zip(ranks.0.chunks_exact_mut(32)) {
        let values: [__m512d; 4] = std::array::from_fn(|part| {
            let eight: [f64; 8] = std::array::from_fn(|lane| values[8 * part + lane].into());
            // SAFETY: 8 numbers are read from an array of 8.
            unsafe { _mm512_loadu_pd(eight.as_ptr()) }
        });
        let mut from = [_mm256_setzero_si256(); 4];
        let mut length = sorted.len();
        while length > 0 {
            let half = length.div_ceil(2);
            let (last, step) = (_mm256_set1_epi32(half as i32 - 1), _mm256_set1_epi32(half as i32));
            for (from, &value) in from.iter_mut().zip(&values) {
                // SAFETY: each search covers `length` thresholds from index `from` on. The code reads the threshold at
                // `from + half - 1`, and `half - 1` is less than `length`.
                let threshold = unsafe { _mm512_i32gather_pd::<8>(_mm256_add_epi32(*from, last), sorted.as_ptr()) };
                let below = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(threshold, value);
                *from = _mm256_mask_add_epi32(*from, below, *from, step);
            }
            length -= half;
        }
        for ((from, value), ranks) in from.into_iter().zip(values).zip(ranks.chunks_exact_mut(8)) {
            let nan = _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(value, value);
            let rank = _mm256_mask_mov_epi32(from, nan, _mm256_set1_epi32(i32::from(missing)));
            // SAFETY: 8 numbers are written to a slice of 8.
            unsafe { _mm_storeu_si128(ranks.as_mut_ptr().cast(), _mm256_cvtepi32_epi16(rank)) };
        }
    }
}
