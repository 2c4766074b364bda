//! The command line of the platform.

use std::process::ExitCode;

fn main() -> ExitCode {
    churn_platform::commands::main(std::env::args().skip(1).collect())
}
