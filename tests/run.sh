#!/usr/bin/env bash
# Runs all tests, or only the parts that are named as arguments. Prints how many minutes each part took.
#
#   tests/run.sh                 # runs all parts; CI leaves out quickstart
#   tests/run.sh rust python     # runs only these two parts (all parts: rust, quickstart, python and node)
#
# The script needs cargo, python3, node and npm, and installs everything else. If DATABASE_URL is not set, the script
# starts a temporary PostgreSQL server.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

PARTS=(rust quickstart python node)

# The build of the Node module always passes a target to cargo. The other builds pass the same target, so that all
# builds share one output folder.
CARGO_BUILD_TARGET="${CARGO_BUILD_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}"
export CARGO_BUILD_TARGET

# A build from scratch is faster without the files for incremental builds and without debug information.
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0

step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }

rust() {
  step "formatting"
  cargo fmt --all --check
  step "lints"
  cargo clippy --workspace --all-features --all-targets --locked -- -D warnings
  step "Rust tests"
  tests/postgres.sh cargo test --workspace --all-features --locked
  step "examples in Rust"
  "target/$CARGO_BUILD_TARGET/debug/examples/tenants" 400
  "target/$CARGO_BUILD_TARGET/debug/examples/store"
  "target/$CARGO_BUILD_TARGET/debug/examples/quickstart"
  step "documentation"
  RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked
}

# Runs the first command of the README, which builds the example in the release profile. CI skips this part, because the
# build takes minutes and the part `rust` runs the same example from the development profile.
quickstart() {
  step "quickstart"
  cargo run --release --locked --example quickstart
}

# The Python and the Node module are built in debug mode. Debug builds compile faster than release builds, and give
# bit-identical results.
python() {
  step "Python package"
  local venv="$PWD/target/venv"
  [ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r bindings-python/requirements-dev.txt
  step "Python lints, notices, bill of materials and dependencies"
  "$venv/bin/ruff" check --config bindings-python/pyproject.toml .
  tests/notices.py --check
  tests/dependencies.py
  (
    cd bindings-python
    export VIRTUAL_ENV="$venv" PATH="$venv/bin:$PATH"
    maturin develop --locked --quiet
    step "Python tests"
    ../tests/postgres.sh "$venv/bin/pytest" -q -n 2
    step "Python stubs"
    "$venv/bin/mypy" --strict python/churn_core
    MYPYPATH=python "$venv/bin/python" -m mypy.stubtest churn_core --mypy-config-file pyproject.toml \
      --allowlist stubtest-allowlist.txt
  )
}

node() {
  step "Node module"
  (
    cd bindings-node
    npm ci --no-audit --no-fund --loglevel=error
    npm run --silent build:debug
    ../tests/postgres.sh npm test --silent
    npm run --silent types
  )
  step "Node example"
  (
    cd examples/node
    npm ci --no-audit --no-fund --loglevel=error
    npm test --silent
  )
}

[ $# -gt 0 ] || [ -z "${CI:-}" ] || set -- rust python node
[ $# -gt 0 ] || set -- "${PARTS[@]}"
for part in "$@"; do
  case " ${PARTS[*]} " in
    *" $part "*) ;;
    *) echo "unknown part '$part'; the parts are: ${PARTS[*]}" >&2; exit 2 ;;
  esac
done

minutes=()
for part in "$@"; do
  started=$SECONDS
  "$part"
  minutes+=("$(printf '%-10s %5.1f min' "$part" "$(awk "BEGIN { print ($SECONDS - $started) / 60 }")")")
done
printf '\n== all tests passed\n'
printf '%s\n' "${minutes[@]}" "$(printf '%-10s %5.1f min' total "$(awk "BEGIN { print $SECONDS / 60 }")")"
