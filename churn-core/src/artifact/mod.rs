//! The container format of model files: header, limits and checksum. The format does not depend on the kind of model in
//! the file.
//!
//! ```text
//! offset  bytes  what
//!      0      8  magic: 89 'C' 'H' 'U' 'R' 'N' 0D 0A
//!      8      4  format number, little endian
//!     12      4  length of the metadata, little endian
//!     16      8  length of the payload, little endian
//!     24      m  metadata: JSON, readable without the payload
//!   24+m      p  payload: the codec's bytes
//! 24+m+p     32  SHA-256 of everything before
//! ```
//!
//! The checksum is the SHA-256 of all bytes before it. The model id is the first half of the checksum. A file does not
//! contain the time, the thread count, the host name or an unseeded random number. Two training runs with equal input
//! therefore write identical bytes.
//!
//! A file may come from an attacker, who can compute a valid checksum for a manipulated file. Every length in the file
//! is therefore checked against the actual size before memory is allocated. Opening a file takes at most 32 MiB of
//! memory plus 32 times the size of the file.

mod codec;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result, of_file};

pub(crate) use codec::{decode, encode};

/// The first bytes of every model file. Like the first bytes of a PNG file, they contain a byte above 127 and a line
/// ending. A transfer in text mode changes these bytes, so a file that was damaged in this way is recognized.
const MAGIC: [u8; 8] = *b"\x89CHURN\r\n";
/// The format number that this version of the library writes.
pub(crate) const FORMAT: u32 = 1;
const HEADER: usize = 24;
const CHECKSUM: usize = 32;
/// Maximum size of the metadata in bytes. Larger metadata is rejected before it is read.
const MAX_METADATA: usize = 64 << 20;
/// Maximum size of the payload in bytes. A larger payload is rejected before it is read.
pub(crate) const MAX_PAYLOAD: usize = 1 << 30;

/// The parts of a model file that passed all checks.
#[derive(Debug)]
pub(crate) struct Artifact<'a> {
    pub(crate) metadata: &'a [u8],
    pub(crate) payload: &'a [u8],
    /// The model id: the first half of the checksum, in hex.
    pub(crate) id: String,
}

/// Returns the bytes of a model file that contains this metadata and this payload.
pub(crate) fn write(metadata: &[u8], payload: &[u8]) -> Result<Vec<u8>> {
    if metadata.len() > MAX_METADATA || payload.len() > MAX_PAYLOAD {
        return Err(too_large(metadata.len() + payload.len()));
    }
    let mut bytes = Vec::with_capacity(HEADER + metadata.len() + payload.len() + CHECKSUM);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&(metadata.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(metadata);
    bytes.extend_from_slice(payload);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    Ok(bytes)
}

/// Writes a file atomically. The bytes are written to a temporary file in the same folder and flushed to disk. The
/// temporary file then replaces the file at `path`.
///
/// # Errors
/// `io` if the file cannot be written. The error names the file.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    /// The number of calls of this function in this process. This number makes the name of the temporary file unique if
    /// two calls write the same file at the same time.
    static CALLS: AtomicU64 = AtomicU64::new(0);
    // If the path is a symbolic link, the link is kept and its target is replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = target.file_name().map(ToOwned::to_owned).unwrap_or_default();
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".{}-{call}.tmp", std::process::id()));
    let beside = target.with_file_name(name);
    let written = std::fs::File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        // A file that is renamed before its content is on disk may be empty after a power failure.
        file.sync_all()
    });
    written
        .and_then(|()| std::fs::rename(&beside, &target))
        .map_err(|source| {
            // The write failed, so the temporary file is removed. An error of this removal is not reported.
            let _ = std::fs::remove_file(&beside);
            of_file(path)(source)
        })
}

/// Returns the kind of model that the metadata of a file states; `None` for a `ChurnModel`, whose metadata states no
/// kind.
pub(crate) fn kind_of(metadata: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Tag {
        kind: String,
    }
    serde_json::from_slice::<Tag>(metadata).ok().map(|tag| tag.kind)
}

/// Checks a model file and returns its parts. Allocations are bounded by the actual length of the file.
pub(crate) fn read(bytes: &[u8]) -> Result<Artifact<'_>> {
    let damaged = |what: &str| Error::new(ErrorKind::ArtifactDamaged, what.to_owned());
    let magic = bytes
        .get(..MAGIC.len())
        .ok_or_else(|| damaged("this is not a model file: it is shorter than a header"))?;
    if magic != MAGIC {
        return Err(damaged(
            "this is not a model file: it does not begin with the magic bytes",
        ));
    }
    let header = bytes
        .get(..HEADER)
        .ok_or_else(|| damaged("the model file ends inside its header"))?;
    let format = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    if format != FORMAT {
        let message = format!("the model file has format {format}; this version reads format {FORMAT}");
        return Err(Error::new(ErrorKind::ArtifactVersion, message));
    }
    let metadata_len = u32::from_le_bytes([header[12], header[13], header[14], header[15]]) as usize;
    let mut long = [0u8; 8];
    long.copy_from_slice(&header[16..24]);
    let payload_len = u64::from_le_bytes(long);
    if metadata_len > MAX_METADATA || payload_len > MAX_PAYLOAD as u64 {
        return Err(too_large(metadata_len.saturating_add(payload_len as usize)));
    }
    let payload_at = HEADER + metadata_len;
    let checksum_at = payload_at + payload_len as usize;
    if bytes.len() != checksum_at + CHECKSUM {
        let message = format!(
            "the model file should be {} bytes long and is {}",
            checksum_at + CHECKSUM,
            bytes.len()
        );
        return Err(Error::new(ErrorKind::ArtifactDamaged, message));
    }
    let (content, checksum) = bytes.split_at(checksum_at);
    if Sha256::digest(content).as_slice() != checksum {
        return Err(damaged("the model file was damaged: its checksum does not match"));
    }
    Ok(Artifact {
        metadata: &bytes[HEADER..payload_at],
        payload: &bytes[payload_at..checksum_at],
        id: hex(&checksum[..16]),
    })
}

fn too_large(size: usize) -> Error {
    Error::new(
        ErrorKind::ArtifactTooLarge,
        format!("a model file of {size} bytes is over the limit"),
    )
}

/// Converts bytes to lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // The result is ignored, because writing to a `String` cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Reads a file completely. Only a regular file is read, because a device such as `/dev/zero` has no end.
#[doc(hidden)]
pub fn read_file(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    let regular = std::fs::metadata(path).map_err(of_file(path))?.is_file();
    if !regular {
        let why = std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a regular file");
        return Err(of_file(path)(why));
    }
    std::fs::read(path).map_err(of_file(path))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file() -> Vec<u8> {
        write(br#"{"a":1}"#, &[1, 2, 3, 4, 5]).unwrap()
    }

    #[test]
    fn files_round_trip() {
        let bytes = file();
        let artifact = read(&bytes).unwrap();
        assert_eq!(
            (artifact.metadata, artifact.payload),
            (&br#"{"a":1}"#[..], &[1u8, 2, 3, 4, 5][..])
        );
        assert_eq!(artifact.id.len(), 32);
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_detected() {
        let bytes = file();
        for at in 0..bytes.len() {
            assert!(read(&bytes[..at]).is_err());
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert!(read(&damaged).is_err(), "byte {at} bit {bit}");
            }
        }
        assert_eq!(read(&[bytes, vec![0]].concat()).unwrap_err().code(), "artifact_damaged");
    }

    #[test]
    fn another_format_and_huge_lengths_have_their_own_errors() {
        let mut other = file();
        other[8] = 77;
        assert_eq!(read(&other).unwrap_err().code(), "artifact_version");
        let mut huge = file();
        huge[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(read(&huge).unwrap_err().code(), "artifact_too_large");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), keep_magic in any::<bool>()) {
            let mut bytes = bytes;
            if keep_magic && bytes.len() > 12 {
                bytes[..8].copy_from_slice(&MAGIC);
                bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
            }
            prop_assert!(read(&bytes).is_err());
        }
    }

    #[test]
    fn files_are_replaced_whole_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("churn-artifact-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("m.churn");
        save(&path, b"old").unwrap();
        save(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(
            std::fs::read_dir(&folder).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        let error = save(&folder.join("missing").join("m.churn"), b"new").unwrap_err();
        assert_eq!(error.code(), "io");
        // A file cannot replace a folder. The failed attempt leaves no temporary file behind.
        std::fs::create_dir(folder.join("taken")).unwrap();
        assert_eq!(save(&folder.join("taken"), b"new").unwrap_err().code(), "io");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
