#!/usr/bin/env bash
# Runs the long checks, which are not run for every change. The long checks are property tests with many more synthetic
# tenants, a test that kills a hundred writers of the store, checks of the dependencies, and the fuzz targets under a
# memory limit. The check for security advisories is not included, because it needs the network. Maintainers run it
# separately with `cargo deny check advisories`.
#
# Usage: tests/nightly.sh [MINUTES]
# MINUTES is the time for each fuzz target. Default: 30.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
minutes="${1:-30}"

say() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

say "property tests on many worlds, and mutated model files"
CHURN_NIGHTLY=1 CHURN_WORLDS="${CHURN_WORLDS:-20000}" cargo test --release -p churn-tests --locked
PROPTEST_CASES=4096 cargo test --release -p churn-core --all-features --locked --lib

say "the bank of leaks, clean tenants, and what intervals hold, counted in full"
cargo test --release -p churn-tests --locked --test suite leaks -- --ignored --nocapture
cargo test --release -p churn-tests --locked --test suite intervals -- --ignored --nocapture
cargo test --release -p churn-core --locked --lib -- --ignored --nocapture ninety_per_cent

say "a hundred killed writers, and every mutant of the store's isolation"
CHURN_NIGHTLY=1 tests/postgres.sh cargo test --release -p churn-store --locked

say "supply chain: bans, licences, sources; notices and bill of materials"
cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked
cargo deny --offline check bans licenses sources
tests/notices.py --check

say "fuzzing, $minutes minutes each"
cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked
(
  cd tests/fuzz
  for target in artifact trees json csv arrow interface; do
    say "$target"
    # New inputs go to a temporary folder, so that the seeds stay unchanged.
    mkdir -p "../../target/fuzz/$target"
    seeds="corpus/$target"
    [ "$target" != trees ] || seeds=../fixtures/models
    cargo fuzz run --fuzz-dir . --target-dir ../../target/fuzz-build --sanitizer none "$target" \
      "../../target/fuzz/$target" "$seeds" \
      -- -max_total_time=$((minutes * 60)) -rss_limit_mb=1024 -timeout=30 -max_len=65536 -print_final_stats=1
  done
)
say "all long checks passed"
