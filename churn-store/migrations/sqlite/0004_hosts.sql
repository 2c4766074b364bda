-- For hosts: intervals and values of scores, the purpose of runs, counts of outcomes, types of attributes, scopes of keys,
-- a separate sequence for the audit log, and a revision that changes with the tenant's data.
ALTER TABLE churn_scores RENAME COLUMN evidence TO not_scored_reason;
ALTER TABLE churn_scores ADD COLUMN interval_low REAL;
ALTER TABLE churn_scores ADD COLUMN interval_high REAL;
ALTER TABLE churn_scores ADD COLUMN value REAL;
ALTER TABLE churn_scores ADD COLUMN value_at_risk REAL;
CREATE INDEX churn_scores_by_value ON churn_scores (tenant_id, as_of, model_id, value_at_risk DESC, customer_id);

ALTER TABLE churn_score_runs ADD COLUMN purpose TEXT NOT NULL DEFAULT 'served' CHECK (purpose IN ('served', 'trial'));
ALTER TABLE churn_score_runs ADD COLUMN outcomes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE churn_score_runs ADD COLUMN churned INTEGER NOT NULL DEFAULT 0;

ALTER TABLE churn_companies ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

-- The type of an attribute that has a value: 'number', 'text' or 'bool'.
ALTER TABLE churn_record_columns ADD COLUMN value_type TEXT;

ALTER TABLE churn_api_keys ADD COLUMN label TEXT;
-- A JSON array of texts; null means everything that the role may do.
ALTER TABLE churn_api_keys ADD COLUMN scopes TEXT;
ALTER TABLE churn_api_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE churn_api_keys ADD COLUMN used_at INTEGER;

-- Indexes that return the rows of a customer in order, without sorting.
DROP INDEX churn_payments_of_customer;
DROP INDEX churn_tickets_of_customer;
DROP INDEX churn_activities_of_customer;
CREATE INDEX churn_customers_of_customer ON churn_customers (tenant_id, customer_id, seq);
CREATE INDEX churn_payments_of_customer ON churn_payments (tenant_id, customer_id, seq);
CREATE INDEX churn_tickets_of_customer ON churn_tickets (tenant_id, customer_id, seq);
CREATE INDEX churn_activities_of_customer ON churn_activities (tenant_id, customer_id, seq);

CREATE TABLE churn_audit_heads (
  tenant_id TEXT NOT NULL PRIMARY KEY,
  last_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO churn_audit_heads (tenant_id, last_seq)
SELECT tenant_id, MAX(seq) FROM churn_audit GROUP BY tenant_id;

UPDATE churn_score_runs AS r SET (outcomes, churned) = (
  SELECT COUNT(o.churned), COUNT(CASE WHEN o.churned = 1 THEN 1 END)
  FROM churn_scores AS s
  JOIN churn_outcomes AS o
    ON o.tenant_id = r.tenant_id AND o.as_of = r.as_of AND o.definition = r.definition AND o.customer_id = s.customer_id
  WHERE s.tenant_id = r.tenant_id AND s.as_of = r.as_of AND s.model_id = r.model_id AND s.probability IS NOT NULL
);

UPDATE churn_record_columns AS c SET value_type = (
  SELECT CASE j.type WHEN 'text' THEN 'text' WHEN 'true' THEN 'bool' WHEN 'false' THEN 'bool' ELSE 'number' END
  FROM churn_customers AS r, json_each(r.attributes) AS j
  WHERE r.tenant_id = c.tenant_id AND r.attributes IS NOT NULL AND j.key = c.column_name
  LIMIT 1
)
WHERE c.kind = 'customers' AND c.column_name NOT IN ('tenant_id', 'known_at', 'customer_id', 'signed_up_at', 'churned_at', 'notice_at', 'renews_at', 'valid_from', 'payment_id', 'due_at', 'amount', 'settled_at', 'status', 'refunded_at', 'currency', 'method', 'ticket_id', 'opened_at', 'first_response_at', 'resolved_at', 'reopened_at', 'priority', 'category', 'channel', 'satisfaction', 'satisfaction_at', 'activity_id', 'at', 'kind', 'quantity', '');

UPDATE churn_record_columns AS c SET value_type = (
  SELECT CASE j.type WHEN 'text' THEN 'text' WHEN 'true' THEN 'bool' WHEN 'false' THEN 'bool' ELSE 'number' END
  FROM churn_payments AS r, json_each(r.attributes) AS j
  WHERE r.tenant_id = c.tenant_id AND r.attributes IS NOT NULL AND j.key = c.column_name
  LIMIT 1
)
WHERE c.kind = 'payments' AND c.column_name NOT IN ('tenant_id', 'known_at', 'customer_id', 'signed_up_at', 'churned_at', 'notice_at', 'renews_at', 'valid_from', 'payment_id', 'due_at', 'amount', 'settled_at', 'status', 'refunded_at', 'currency', 'method', 'ticket_id', 'opened_at', 'first_response_at', 'resolved_at', 'reopened_at', 'priority', 'category', 'channel', 'satisfaction', 'satisfaction_at', 'activity_id', 'at', 'kind', 'quantity', '');

UPDATE churn_record_columns AS c SET value_type = (
  SELECT CASE j.type WHEN 'text' THEN 'text' WHEN 'true' THEN 'bool' WHEN 'false' THEN 'bool' ELSE 'number' END
  FROM churn_tickets AS r, json_each(r.attributes) AS j
  WHERE r.tenant_id = c.tenant_id AND r.attributes IS NOT NULL AND j.key = c.column_name
  LIMIT 1
)
WHERE c.kind = 'tickets' AND c.column_name NOT IN ('tenant_id', 'known_at', 'customer_id', 'signed_up_at', 'churned_at', 'notice_at', 'renews_at', 'valid_from', 'payment_id', 'due_at', 'amount', 'settled_at', 'status', 'refunded_at', 'currency', 'method', 'ticket_id', 'opened_at', 'first_response_at', 'resolved_at', 'reopened_at', 'priority', 'category', 'channel', 'satisfaction', 'satisfaction_at', 'activity_id', 'at', 'kind', 'quantity', '');

UPDATE churn_record_columns AS c SET value_type = (
  SELECT CASE j.type WHEN 'text' THEN 'text' WHEN 'true' THEN 'bool' WHEN 'false' THEN 'bool' ELSE 'number' END
  FROM churn_activities AS r, json_each(r.attributes) AS j
  WHERE r.tenant_id = c.tenant_id AND r.attributes IS NOT NULL AND j.key = c.column_name
  LIMIT 1
)
WHERE c.kind = 'activities' AND c.column_name NOT IN ('tenant_id', 'known_at', 'customer_id', 'signed_up_at', 'churned_at', 'notice_at', 'renews_at', 'valid_from', 'payment_id', 'due_at', 'amount', 'settled_at', 'status', 'refunded_at', 'currency', 'method', 'ticket_id', 'opened_at', 'first_response_at', 'resolved_at', 'reopened_at', 'priority', 'category', 'channel', 'satisfaction', 'satisfaction_at', 'activity_id', 'at', 'kind', 'quantity', '');
