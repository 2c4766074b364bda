//! What happens to every request before and after its controller. The order of the layers is in `router`.

pub mod client_address;
pub mod cookies;
pub mod error_handler;
pub mod guard;
pub mod headers;
pub mod request_id;
