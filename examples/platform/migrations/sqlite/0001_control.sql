-- The tables of the control plane, which stores accounts, companies, sessions and jobs. It stores no data about the
-- companies' customers.
-- Times are microseconds since 1970-01-01 UTC.

CREATE TABLE companies (
  company_id TEXT PRIMARY KEY NOT NULL,
  name       TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
  account_id    TEXT PRIMARY KEY NOT NULL,
  email         TEXT NOT NULL UNIQUE, -- lower case
  name          TEXT NOT NULL,
  password_hash TEXT NOT NULL,        -- argon2id, PHC format
  created_at    INTEGER NOT NULL
) STRICT;

-- The companies that an account is a member of. The account's role in a company is stored in the table churn_users of
-- the store.
CREATE TABLE memberships (
  account_id TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  company_id TEXT NOT NULL REFERENCES companies ON DELETE CASCADE,
  PRIMARY KEY (account_id, company_id)
) STRICT;

CREATE TABLE sessions (
  session_hash TEXT PRIMARY KEY NOT NULL, -- SHA-256 of the cookie's secret
  account_id   TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
  company_id   TEXT,                      -- the company that the account chose last
  created_at   INTEGER NOT NULL,
  seen_at      INTEGER NOT NULL,
  ends_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_account ON sessions (account_id);

-- Token buckets of rate limits.
CREATE TABLE buckets (
  bucket     TEXT PRIMARY KEY NOT NULL,
  tokens     REAL NOT NULL,
  updated_at INTEGER NOT NULL,
  allowed    INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs (
  job_id           TEXT PRIMARY KEY NOT NULL,
  company_id       TEXT NOT NULL REFERENCES companies ON DELETE CASCADE,
  kind             TEXT NOT NULL,
  unique_key       TEXT NOT NULL,
  payload          TEXT NOT NULL, -- JSON
  status           TEXT NOT NULL CHECK (status IN ('waiting', 'running', 'done', 'failed', 'dead', 'cancelled')),
  attempts         INTEGER NOT NULL DEFAULT 0,
  run_at           INTEGER NOT NULL, -- the job must not be claimed before this time
  created_at       INTEGER NOT NULL,
  created_by       TEXT NOT NULL,
  claimed_at       INTEGER,
  finished_at      INTEGER,
  lease            TEXT,             -- the token of the worker that runs the job
  lease_ends_at    INTEGER,
  progress         REAL NOT NULL DEFAULT 0,
  stage            TEXT NOT NULL DEFAULT '',
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  error_code       TEXT,
  error            TEXT,
  result           TEXT
) STRICT;

-- A company has at most one unfinished job with the same key.
CREATE UNIQUE INDEX jobs_unfinished ON jobs (company_id, unique_key) WHERE status IN ('waiting', 'running');
CREATE INDEX jobs_due ON jobs (status, run_at);
CREATE INDEX jobs_of_company ON jobs (company_id, created_at);
