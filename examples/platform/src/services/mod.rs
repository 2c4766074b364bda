//! The rules, without HTTP and without SQL.

pub mod access;
pub mod auth;
pub mod company;
pub mod demo;
pub mod password;
