//! A web platform for many companies, built on `churn-store` and `churn-core`. The README of this crate is its guide.
//!
//! ```text
//! middleware ─> controllers ─> services ─> repositories   control plane: accounts, sessions, jobs (own SQLite file)
//!                                     └──> churn-store    tenant plane: records, models, scores of one company
//! jobs (worker) ──────────────────────────> churn-core    only jobs load records, train and score
//! ```
#![allow(missing_docs, reason = "an application: its modules are public for its tests only")]

pub mod app;
pub mod clock;
pub mod commands;
pub mod config;
pub mod controllers;
pub mod error;
pub mod jobs;
pub mod middleware;
pub mod repositories;
pub mod router;
pub mod services;
pub mod views;
