//! The one place that knows the payload's encoding: bincode.
//!
//! bincode 2.0.1 is finished and no longer maintained; behind these two functions, under our own magic,
//! format number and checksum, another decoder of the same bytes can take its place.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian, standard};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::artifact::MAX_PAYLOAD;
use crate::error::{Error, ErrorKind, Result};

/// Fixed-width little-endian numbers; the decoder refuses to claim more than the limit.
const CONFIG: Configuration<LittleEndian, Fixint, Limit<MAX_PAYLOAD>> =
    standard().with_fixed_int_encoding().with_limit::<MAX_PAYLOAD>();

/// The payload bytes of a value.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    bincode::serde::encode_to_vec(value, CONFIG)
        .map_err(|e| Error::new(ErrorKind::ArtifactTooLarge, "the model cannot be encoded").caused_by(e))
}

/// The value of payload bytes, all of which must be used.
pub(crate) fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T> {
    let damaged = |what: &str| {
        Error::new(
            ErrorKind::ArtifactDamaged,
            format!("the model file was damaged: {what}"),
        )
    };
    let (value, used) = bincode::serde::decode_from_slice(payload, CONFIG)
        .map_err(|e| damaged("its payload cannot be decoded").caused_by(e))?;
    if used == payload.len() {
        Ok(value)
    } else {
        Err(damaged("bytes are left over behind its payload"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lying_length_is_refused_without_allocating() {
        // The length of a vector claims 2^60 numbers.
        let payload = (1u64 << 60).to_le_bytes();
        assert_eq!(decode::<Vec<f64>>(&payload).unwrap_err().code(), "artifact_damaged");
        let payload = (1u64 << 26).to_le_bytes();
        assert_eq!(decode::<Vec<f64>>(&payload).unwrap_err().code(), "artifact_damaged");
    }

    #[test]
    fn left_over_bytes_are_noticed() {
        let mut payload = encode(&vec![1.5f64, f64::NAN]).unwrap();
        assert_eq!(decode::<Vec<f64>>(&payload).unwrap().len(), 2);
        payload.push(0);
        assert!(decode::<Vec<f64>>(&payload).is_err());
    }
}
