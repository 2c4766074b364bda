-- Records as they came in, by tenant. Moments are microseconds since 1970-01-01 UTC. known_at has the smallest integer
-- where a row does not say when it became known. seq is the order in which rows came in first,
-- place that in which columns did: features go by it.
CREATE TABLE churn_companies (
  tenant_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  next_seq BIGINT NOT NULL
);

CREATE TABLE churn_record_columns (
  tenant_id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  column_name TEXT COLLATE "C" NOT NULL,
  place BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, kind, column_name)
);

CREATE TABLE churn_customers (
  tenant_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  customer_id TEXT COLLATE "C" NOT NULL,
  signed_up_at BIGINT NOT NULL,
  valid_from BIGINT NOT NULL,
  known_at BIGINT NOT NULL,
  churned_at BIGINT,
  notice_at BIGINT,
  renews_at BIGINT,
  attributes JSONB,
  PRIMARY KEY (tenant_id, seq),
  UNIQUE (tenant_id, customer_id, signed_up_at, valid_from, known_at)
);

CREATE TABLE churn_payments (
  tenant_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  payment_id TEXT COLLATE "C" NOT NULL,
  content_key TEXT COLLATE "C" NOT NULL,
  known_at BIGINT NOT NULL,
  customer_id TEXT COLLATE "C" NOT NULL,
  due_at BIGINT NOT NULL,
  amount DOUBLE PRECISION NOT NULL,
  settled_at BIGINT,
  status TEXT COLLATE "C",
  refunded_at BIGINT,
  currency TEXT COLLATE "C",
  method TEXT COLLATE "C",
  attributes JSONB,
  PRIMARY KEY (tenant_id, seq),
  UNIQUE (tenant_id, payment_id, content_key, known_at)
);

CREATE TABLE churn_tickets (
  tenant_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  ticket_id TEXT COLLATE "C" NOT NULL,
  content_key TEXT COLLATE "C" NOT NULL,
  known_at BIGINT NOT NULL,
  customer_id TEXT COLLATE "C" NOT NULL,
  opened_at BIGINT NOT NULL,
  first_response_at BIGINT,
  resolved_at BIGINT,
  reopened_at BIGINT,
  priority TEXT COLLATE "C",
  category TEXT COLLATE "C",
  channel TEXT COLLATE "C",
  satisfaction DOUBLE PRECISION,
  satisfaction_at BIGINT,
  attributes JSONB,
  PRIMARY KEY (tenant_id, seq),
  UNIQUE (tenant_id, ticket_id, content_key, known_at)
);

CREATE TABLE churn_activities (
  tenant_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  activity_id TEXT COLLATE "C" NOT NULL,
  content_key TEXT COLLATE "C" NOT NULL,
  known_at BIGINT NOT NULL,
  customer_id TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  kind TEXT COLLATE "C",
  quantity DOUBLE PRECISION,
  attributes JSONB,
  PRIMARY KEY (tenant_id, seq),
  UNIQUE (tenant_id, activity_id, content_key, known_at)
);

CREATE INDEX churn_payments_of_customer ON churn_payments (tenant_id, customer_id);
CREATE INDEX churn_tickets_of_customer ON churn_tickets (tenant_id, customer_id);
CREATE INDEX churn_activities_of_customer ON churn_activities (tenant_id, customer_id);

ALTER TABLE churn_companies ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_companies FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_companies
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_record_columns ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_record_columns FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_record_columns
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_customers FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_customers
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_payments ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_payments FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_payments
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_tickets ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_tickets FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_tickets
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_activities ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_activities FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_activities
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
