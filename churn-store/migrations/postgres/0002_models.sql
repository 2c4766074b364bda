-- Models, what they said, and what came of it.
CREATE TABLE churn_models (
  tenant_id TEXT COLLATE "C" NOT NULL,
  model_id TEXT COLLATE "C" NOT NULL,
  stage TEXT COLLATE "C" NOT NULL CHECK (stage IN ('champion', 'challenger', 'retired')),
  saved_at BIGINT NOT NULL,
  card JSONB NOT NULL,
  artifact BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, model_id)
);

CREATE TABLE churn_score_runs (
  tenant_id TEXT COLLATE "C" NOT NULL,
  model_id TEXT COLLATE "C" NOT NULL,
  as_of BIGINT NOT NULL,
  saved_at BIGINT NOT NULL,
  definition TEXT COLLATE "C" NOT NULL,
  customers BIGINT NOT NULL,
  scored BIGINT NOT NULL,
  mean_probability DOUBLE PRECISION,
  low BIGINT NOT NULL,
  medium BIGINT NOT NULL,
  high BIGINT NOT NULL,
  critical BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, as_of, model_id)
);

CREATE TABLE churn_scores (
  tenant_id TEXT COLLATE "C" NOT NULL,
  model_id TEXT COLLATE "C" NOT NULL,
  as_of BIGINT NOT NULL,
  customer_id TEXT COLLATE "C" NOT NULL,
  probability DOUBLE PRECISION,
  risk_band TEXT COLLATE "C",
  status TEXT COLLATE "C" NOT NULL,
  evidence TEXT COLLATE "C",
  expected_at BIGINT,
  reasons JSONB,
  PRIMARY KEY (tenant_id, as_of, model_id, customer_id),
  FOREIGN KEY (tenant_id, as_of, model_id) REFERENCES churn_score_runs (tenant_id, as_of, model_id) ON DELETE CASCADE
);

CREATE TABLE churn_outcomes (
  tenant_id TEXT COLLATE "C" NOT NULL,
  as_of BIGINT NOT NULL,
  definition TEXT COLLATE "C" NOT NULL,
  customer_id TEXT COLLATE "C" NOT NULL,
  churned BIGINT,
  rule TEXT COLLATE "C" NOT NULL,
  event_at BIGINT,
  PRIMARY KEY (tenant_id, as_of, definition, customer_id)
);

CREATE UNIQUE INDEX churn_one_champion ON churn_models (tenant_id) WHERE stage = 'champion';
CREATE INDEX churn_scores_by_risk ON churn_scores (tenant_id, as_of, model_id, probability DESC, customer_id);
CREATE INDEX churn_scores_of_customer ON churn_scores (tenant_id, customer_id, as_of);

ALTER TABLE churn_models ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_models FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_models
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_score_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_score_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_score_runs
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_scores ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_scores FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_scores
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
ALTER TABLE churn_outcomes ENABLE ROW LEVEL SECURITY;
ALTER TABLE churn_outcomes FORCE ROW LEVEL SECURITY;
CREATE POLICY churn_tenant ON churn_outcomes
  USING (tenant_id = nullif(current_setting('churn.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('churn.tenant_id', true), ''));
