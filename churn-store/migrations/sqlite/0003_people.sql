-- Who may do what, what was done, and where each source stands.
ALTER TABLE churn_companies ADD COLUMN name TEXT;

CREATE TABLE churn_settings (
  tenant_id TEXT NOT NULL,
  setting TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_id, setting)
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_users (
  tenant_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  email TEXT NOT NULL,
  name TEXT,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'analyst', 'viewer')),
  PRIMARY KEY (tenant_id, user_id),
  UNIQUE (tenant_id, email)
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_api_keys (
  tenant_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'analyst', 'viewer')),
  created_at INTEGER NOT NULL,
  revoked_at INTEGER,
  PRIMARY KEY (tenant_id, key_id),
  UNIQUE (tenant_id, secret_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_audit (
  tenant_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT,
  details TEXT,
  PRIMARY KEY (tenant_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_sync_cursors (
  tenant_id TEXT NOT NULL,
  source TEXT NOT NULL,
  position TEXT NOT NULL,
  moved_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, source)
) STRICT, WITHOUT ROWID;
