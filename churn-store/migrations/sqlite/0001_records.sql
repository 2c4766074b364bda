-- Records as they came in, by tenant. Moments are microseconds since 1970-01-01 UTC. known_at has the smallest integer
-- where a row does not say when it became known. seq is the order in which rows came in first,
-- place that in which columns did: features go by it.
CREATE TABLE churn_companies (
  tenant_id TEXT NOT NULL PRIMARY KEY,
  next_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_record_columns (
  tenant_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  column_name TEXT NOT NULL,
  place INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, kind, column_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_customers (
  tenant_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  customer_id TEXT NOT NULL,
  signed_up_at INTEGER NOT NULL,
  valid_from INTEGER NOT NULL,
  known_at INTEGER NOT NULL,
  churned_at INTEGER,
  notice_at INTEGER,
  renews_at INTEGER,
  attributes TEXT,
  PRIMARY KEY (tenant_id, seq),
  UNIQUE (tenant_id, customer_id, signed_up_at, valid_from, known_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_payments (
  tenant_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  payment_id TEXT NOT NULL,
  content_key TEXT NOT NULL,
  known_at INTEGER NOT NULL,
  customer_id TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  amount REAL NOT NULL,
  settled_at INTEGER,
  status TEXT,
  refunded_at INTEGER,
  currency TEXT,
  method TEXT,
  attributes TEXT,
  PRIMARY KEY (tenant_id, seq),
  UNIQUE (tenant_id, payment_id, content_key, known_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_tickets (
  tenant_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  ticket_id TEXT NOT NULL,
  content_key TEXT NOT NULL,
  known_at INTEGER NOT NULL,
  customer_id TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  first_response_at INTEGER,
  resolved_at INTEGER,
  reopened_at INTEGER,
  priority TEXT,
  category TEXT,
  channel TEXT,
  satisfaction REAL,
  satisfaction_at INTEGER,
  attributes TEXT,
  PRIMARY KEY (tenant_id, seq),
  UNIQUE (tenant_id, ticket_id, content_key, known_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_activities (
  tenant_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  activity_id TEXT NOT NULL,
  content_key TEXT NOT NULL,
  known_at INTEGER NOT NULL,
  customer_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT,
  quantity REAL,
  attributes TEXT,
  PRIMARY KEY (tenant_id, seq),
  UNIQUE (tenant_id, activity_id, content_key, known_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX churn_payments_of_customer ON churn_payments (tenant_id, customer_id);
CREATE INDEX churn_tickets_of_customer ON churn_tickets (tenant_id, customer_id);
CREATE INDEX churn_activities_of_customer ON churn_activities (tenant_id, customer_id);
