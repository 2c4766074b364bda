-- Models, what they said, and what came of it.
CREATE TABLE churn_models (
  tenant_id TEXT NOT NULL,
  model_id TEXT NOT NULL,
  stage TEXT NOT NULL CHECK (stage IN ('champion', 'challenger', 'retired')),
  saved_at INTEGER NOT NULL,
  card TEXT NOT NULL,
  artifact BLOB NOT NULL,
  PRIMARY KEY (tenant_id, model_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_score_runs (
  tenant_id TEXT NOT NULL,
  model_id TEXT NOT NULL,
  as_of INTEGER NOT NULL,
  saved_at INTEGER NOT NULL,
  definition TEXT NOT NULL,
  customers INTEGER NOT NULL,
  scored INTEGER NOT NULL,
  mean_probability REAL,
  low INTEGER NOT NULL,
  medium INTEGER NOT NULL,
  high INTEGER NOT NULL,
  critical INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, as_of, model_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_scores (
  tenant_id TEXT NOT NULL,
  model_id TEXT NOT NULL,
  as_of INTEGER NOT NULL,
  customer_id TEXT NOT NULL,
  probability REAL,
  risk_band TEXT,
  status TEXT NOT NULL,
  evidence TEXT,
  expected_at INTEGER,
  reasons TEXT,
  PRIMARY KEY (tenant_id, as_of, model_id, customer_id),
  FOREIGN KEY (tenant_id, as_of, model_id) REFERENCES churn_score_runs (tenant_id, as_of, model_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE churn_outcomes (
  tenant_id TEXT NOT NULL,
  as_of INTEGER NOT NULL,
  definition TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  churned INTEGER,
  rule TEXT NOT NULL,
  event_at INTEGER,
  PRIMARY KEY (tenant_id, as_of, definition, customer_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX churn_one_champion ON churn_models (tenant_id) WHERE stage = 'champion';
CREATE INDEX churn_scores_by_risk ON churn_scores (tenant_id, as_of, model_id, probability DESC, customer_id);
CREATE INDEX churn_scores_of_customer ON churn_scores (tenant_id, customer_id, as_of);
