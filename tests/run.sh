#!/usr/bin/env bash
# All tests of all languages. Needs cargo, python3, node and npm; sets up everything else itself, a throw-away Postgres too where
# DATABASE_URL names none.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

# The Node module's builder always names its target; named everywhere, all builds share one folder.
CARGO_BUILD_TARGET="${CARGO_BUILD_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}"
export CARGO_BUILD_TARGET

say() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

rust() {
  say "formatting"
  cargo fmt --all --check
  say "lints"
  cargo clippy --workspace --all-features --all-targets --locked -- -D warnings
  say "Rust tests"
  tests/postgres.sh cargo test --workspace --all-features --locked
  say "documentation"
  RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked
}

quickstart() {
  say "quickstart"
  cargo run --release --locked --example quickstart
  cargo run --release --locked --example tenants -- 400
  cargo run --release --locked --example store
}

# Debug builds of the modules: quick to make, the same bits.
python() {
  say "Python package"
  local venv="$PWD/target/venv"
  [ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r bindings-python/requirements-dev.txt
  (
    cd bindings-python
    export VIRTUAL_ENV="$venv" PATH="$venv/bin:$PATH"
    maturin develop --locked --quiet
    say "Python tests"
    ../tests/postgres.sh "$venv/bin/pytest" -q
    say "Python stubs"
    "$venv/bin/mypy" --strict python/churn
    MYPYPATH=python "$venv/bin/python" -m mypy.stubtest churn --mypy-config-file pyproject.toml
  )
}

node() {
  say "Node module"
  (
    cd bindings-node
    npm ci --no-audit --no-fund --loglevel=error
    npm run --silent build:debug
    ../tests/postgres.sh npm test --silent
    npm run --silent types
  )
  say "Node example"
  (
    cd examples/node
    npm ci --no-audit --no-fund --loglevel=error
    npm test --silent
  )
}

rust
quickstart
python
node
say "all tests passed"
