//! Features through the public API: small records in, values worked out by hand.

mod own;
mod records;
mod world;
