//! The encoding of the payload. The encoding is bincode with fixed-width little-endian numbers. No other module depends
//! on bincode.
//!
//! The authors of bincode consider version 2.0.1 complete and no longer maintain it. Only the two functions below use
//! bincode. Magic bytes, format number and checksum are written by this library, not by bincode. Another implementation
//! of the same encoding can therefore replace bincode.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian, standard};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::artifact::MAX_PAYLOAD;
use crate::error::{Error, ErrorKind, Result};

/// Returns bincode's configuration with a limit on memory.
///
/// Before bincode reads a text, it allocates as much memory as the length field of the text states, unless the length
/// exceeds the configured limit. The limit must be a compile-time constant. The caller therefore chooses among several
/// limits, each of which is at most 16 times the next smaller limit. A false length can therefore cause an allocation
/// of at most 16 times the payload's size, or of 64 KiB if that is more.
const fn config<const LIMIT: usize>() -> Configuration<LittleEndian, Fixint, Limit<LIMIT>> {
    standard().with_fixed_int_encoding().with_limit::<LIMIT>()
}

/// Encodes a value as payload bytes.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    bincode::serde::encode_to_vec(value, config::<MAX_PAYLOAD>())
        .map_err(|e| Error::new(ErrorKind::ArtifactTooLarge, "the model cannot be encoded").caused_by(e))
}

/// Decodes a value from payload bytes. Bytes after the end of the value are an error. The memory that
/// decoding uses is at most a fixed multiple of the payload's size.
pub(crate) fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T> {
    let damaged = |what: &str| {
        Error::new(
            ErrorKind::ArtifactDamaged,
            format!("the model file was damaged: {what}"),
        )
    };
    fn within<T: DeserializeOwned, const LIMIT: usize>(
        payload: &[u8],
    ) -> std::result::Result<(T, usize), bincode::error::DecodeError> {
        bincode::serde::decode_from_slice(payload, config::<LIMIT>())
    }
    let decoded = match payload.len() {
        0..=0x1_0000 => within::<T, 0x1_0000>(payload),
        0x1_0001..=0x10_0000 => within::<T, 0x10_0000>(payload),
        0x10_0001..=0x100_0000 => within::<T, 0x100_0000>(payload),
        0x100_0001..=0x800_0000 => within::<T, 0x800_0000>(payload),
        _ => within::<T, MAX_PAYLOAD>(payload),
    };
    let (value, used) = decoded.map_err(|e| damaged("its payload cannot be decoded").caused_by(e))?;
    if used == payload.len() {
        Ok(value)
    } else {
        Err(damaged("bytes follow its payload"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_false_length_is_refused_without_allocating() {
        // The length field of this vector claims 2^60 numbers.
        let payload = (1u64 << 60).to_le_bytes();
        assert_eq!(decode::<Vec<f64>>(&payload).unwrap_err().code(), "artifact_damaged");
        let payload = (1u64 << 26).to_le_bytes();
        assert_eq!(decode::<Vec<f64>>(&payload).unwrap_err().code(), "artifact_damaged");
    }

    #[test]
    fn surplus_bytes_are_refused() {
        let mut payload = encode(&vec![1.5f64, f64::NAN]).unwrap();
        assert_eq!(decode::<Vec<f64>>(&payload).unwrap().len(), 2);
        payload.push(0);
        assert!(decode::<Vec<f64>>(&payload).is_err());
    }
}
