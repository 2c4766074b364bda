-- Who may do what, what was done, and where each source stands.
ALTER TABLE churn_companies ADD COLUMN name TEXT COLLATE "C";

CREATE TABLE churn_settings (
  tenant_id TEXT COLLATE "C" NOT NULL,
  setting TEXT COLLATE "C" NOT NULL,
  value JSONB NOT NULL,
  PRIMARY KEY (tenant_id, setting)
);

CREATE TABLE churn_users (
  tenant_id TEXT COLLATE "C" NOT NULL,
  user_id TEXT COLLATE "C" NOT NULL,
  email TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C",
  role TEXT COLLATE "C" NOT NULL CHECK (role IN ('owner', 'admin', 'analyst', 'viewer')),
  PRIMARY KEY (tenant_id, user_id),
  UNIQUE (tenant_id, email)
);

CREATE TABLE churn_api_keys (
  tenant_id TEXT COLLATE "C" NOT NULL,
  key_id TEXT COLLATE "C" NOT NULL,
  secret_hash TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL CHECK (role IN ('owner', 'admin', 'analyst', 'viewer')),
  created_at BIGINT NOT NULL,
  revoked_at BIGINT,
  PRIMARY KEY (tenant_id, key_id),
  UNIQUE (tenant_id, secret_hash)
);

CREATE TABLE churn_audit (
  tenant_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C",
  details JSONB,
  PRIMARY KEY (tenant_id, seq)
);

CREATE TABLE churn_sync_cursors (
  tenant_id TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  position TEXT COLLATE "C" NOT NULL,
  moved_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, source)
);

ALTER TABLE churn_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_settings FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_settings
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_users ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_users FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_users
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_api_keys
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_audit FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_audit
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_sync_cursors ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_sync_cursors FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_sync_cursors
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
