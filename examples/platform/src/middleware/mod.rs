//! The middleware: code that runs before and after the controller of every request. `router` defines the order of the
//! middleware layers.

pub mod client_address;
pub mod cookies;
pub mod error_handler;
pub mod guard;
pub mod headers;
pub mod request_id;
