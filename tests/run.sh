#!/usr/bin/env bash
# All tests of all languages. Needs cargo, python3, node and npm; sets up everything else itself.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

say() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

rust() {
  say "formatting"
  cargo fmt --all --check
  say "lints"
  cargo clippy --workspace --all-features --all-targets --locked -- -D warnings
  say "Rust tests"
  cargo test --workspace --all-features --locked
  say "documentation"
  RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked
}

quickstart() {
  say "quickstart"
  cargo run --release --locked --example quickstart
}

rust
quickstart
say "all tests passed"
