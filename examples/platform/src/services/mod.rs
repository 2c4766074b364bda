//! Services contain the business rules. They use neither HTTP nor SQL.

pub mod access;
pub mod auth;
pub mod company;
pub mod demo;
pub mod password;
