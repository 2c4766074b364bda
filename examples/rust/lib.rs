//! The bundled data sets of the examples.

pub mod journey;
