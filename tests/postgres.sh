#!/usr/bin/env bash
# Usage: tests/postgres.sh CMD [ARGS...]
#
# Starts a temporary PostgreSQL server, and runs CMD with DATABASE_URL set to the URL of this server. If DATABASE_URL is
# already set, CMD runs with this value, and no server is started. The role in this URL must be able to create databases
# and roles.
set -euo pipefail
if [ -n "${DATABASE_URL:-}" ]; then exec "$@"; fi
find_postgres() {
  for d in "${PG_BIN:-}" "$(dirname "$(readlink -f "$(command -v postgres || echo /nonexistent/x)")")" /usr/lib/postgresql/*/bin; do
    if [ -n "$d" ] && [ -x "$d/initdb" ] && [ -x "$d/pg_ctl" ]; then bin=$d; return; fi
  done
}
bin=""
find_postgres
if [ -z "$bin" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing PostgreSQL" >&2
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql) >/dev/null 2>&1 || true
  find_postgres
fi
[ -n "$bin" ] || { echo "no PostgreSQL binaries; apt-get install postgresql or set DATABASE_URL" >&2; exit 1; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/churn-pg.XXXXXX")
as=()  # a command prefix that changes the user, because initdb and postgres refuse to run as root
if [ "$(id -u)" = 0 ]; then
  who=postgres; getent passwd postgres >/dev/null || who=nobody
  chown "$who" "$dir"; as=(setpriv --reuid "$who" --regid "$(id -g "$who")" --clear-groups --)
fi
cleanup() { "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true; rm -rf "$dir"; }
trap cleanup EXIT; trap 'exit 130' INT; trap 'exit 143' TERM
cd "$dir"
pw=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n'); printf '%s' "$pw" > "$dir/pw"; chmod 600 "$dir/pw"; [ "$(id -u)" != 0 ] || chown "$who" "$dir/pw"
"${as[@]}" "$bin/initdb" -D "$dir/data" -U test_admin -A scram-sha-256 --pwfile="$dir/pw" -E UTF8 --locale=C -N >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
port=$(python3 -c 'import socket;s=socket.socket();s.bind(("127.0.0.1",0));print(s.getsockname()[1])')
"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/pg.log" \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$dir -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60" start >/dev/null || { cat "$dir/pg.log" >&2; exit 1; }
export DATABASE_URL="postgres://test_admin:$pw@127.0.0.1:$port/postgres"
cd "$OLDPWD"; rc=0; "$@" || rc=$?; exit "$rc"
