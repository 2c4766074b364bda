//! Features through the public API: small records, with expected values computed by hand.

mod own;
mod records;
mod world;
