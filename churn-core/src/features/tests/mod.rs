//! The features room, looked at through the front door: small records in, values worked out by hand.

mod own;
mod world;
