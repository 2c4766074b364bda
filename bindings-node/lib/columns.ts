// Written by scripts/columns.mjs from the column dictionary and the error codes of churn-core. Do not edit.

/** A moment: ISO-8601 text (`'2024-01-31'`, `'2024-01-31T12:30:00Z'`; without a zone: UTC) or a valid `Date`. */
export type Moment = string | Date

/** An id; a whole number becomes its decimal text. */
export type Id = string | number | bigint

/** One of the four tables. */
export type TableName = 'customers' | 'payments' | 'tickets' | 'activities'

/** A name in camelCase. */
export type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S

/** A required column in either spelling. */
export type Column<Name extends string, V> = { [K in Name]: V } | { [K in Camel<Name>]: V }

/** The columns of a customer, each in both spellings. */
export interface CustomerColumns {
  /** who */
  customer_id?: Id | null | undefined
  /** who */
  customerId?: Id | null | undefined
  /** when the spell began; a later one opens a new spell */
  signed_up_at?: Moment | null | undefined
  /** when the spell began; a later one opens a new spell */
  signedUpAt?: Moment | null | undefined
  /** when the spell ended or will end */
  churned_at?: Moment | null | undefined
  /** when the spell ended or will end */
  churnedAt?: Moment | null | undefined
  /** when notice was given */
  notice_at?: Moment | null | undefined
  /** when notice was given */
  noticeAt?: Moment | null | undefined
  /** when the contract renews */
  renews_at?: Moment | null | undefined
  /** when the contract renews */
  renewsAt?: Moment | null | undefined
  /** since when this version of the customer is true; null: since sign-up */
  valid_from?: Moment | null | undefined
  /** since when this version of the customer is true; null: since sign-up */
  validFrom?: Moment | null | undefined
  /** when the row became known; hidden until then */
  known_at?: Moment | null | undefined
  /** when the row became known; hidden until then */
  knownAt?: Moment | null | undefined
  /** whose record it is; must be the container's tenant */
  tenant_id?: Id | null | undefined
  /** whose record it is; must be the container's tenant */
  tenantId?: Id | null | undefined
}

/** A row of customers. Required: `customer_id`, `signed_up_at`. */
export type CustomerRecord = CustomerColumns & Column<'customer_id', Id> & Column<'signed_up_at', Moment>

/** The columns of a payment, each in both spellings. */
export interface PaymentColumns {
  /** whose payment */
  customer_id?: Id | null | undefined
  /** whose payment */
  customerId?: Id | null | undefined
  /** when it was due */
  due_at?: Moment | null | undefined
  /** when it was due */
  dueAt?: Moment | null | undefined
  /** in major units; zero and negative amounts are valid */
  amount?: number | null | undefined
  /** which; rows with one id and different known_at are versions */
  payment_id?: Id | null | undefined
  /** which; rows with one id and different known_at are versions */
  paymentId?: Id | null | undefined
  /** when it was paid or failed; null: not yet */
  settled_at?: Moment | null | undefined
  /** when it was paid or failed; null: not yet */
  settledAt?: Moment | null | undefined
  /** paid, failed, pending or refunded */
  status?: 'paid' | 'failed' | 'pending' | 'refunded' | null | undefined
  /** when it was refunded */
  refunded_at?: Moment | null | undefined
  /** when it was refunded */
  refundedAt?: Moment | null | undefined
  /** ISO 4217 code */
  currency?: string | null | undefined
  /** how it was paid; kept as an attribute */
  method?: string | null | undefined
  /** when the row became known; hidden until then */
  known_at?: Moment | null | undefined
  /** when the row became known; hidden until then */
  knownAt?: Moment | null | undefined
  /** whose record it is; must be the container's tenant */
  tenant_id?: Id | null | undefined
  /** whose record it is; must be the container's tenant */
  tenantId?: Id | null | undefined
}

/** A row of payments. Required: `customer_id`, `due_at`, `amount`. */
export type PaymentRow = PaymentColumns & Column<'customer_id', Id> & Column<'due_at', Moment> & Column<'amount', number>

/** A row of payments of one customer, whose `customer_id` it inherits. */
export type OwnPaymentRow = PaymentColumns & Column<'due_at', Moment> & Column<'amount', number>

/** The columns of a ticket, each in both spellings. */
export interface TicketColumns {
  /** whose ticket */
  customer_id?: Id | null | undefined
  /** whose ticket */
  customerId?: Id | null | undefined
  /** when it was opened */
  opened_at?: Moment | null | undefined
  /** when it was opened */
  openedAt?: Moment | null | undefined
  /** which; rows with one id and different known_at are versions */
  ticket_id?: Id | null | undefined
  /** which; rows with one id and different known_at are versions */
  ticketId?: Id | null | undefined
  /** when it was first answered */
  first_response_at?: Moment | null | undefined
  /** when it was first answered */
  firstResponseAt?: Moment | null | undefined
  /** when it was resolved */
  resolved_at?: Moment | null | undefined
  /** when it was resolved */
  resolvedAt?: Moment | null | undefined
  /** when it was reopened */
  reopened_at?: Moment | null | undefined
  /** when it was reopened */
  reopenedAt?: Moment | null | undefined
  /** low, normal, high or urgent; null: normal */
  priority?: 'low' | 'normal' | 'high' | 'urgent' | null | undefined
  /** kept as an attribute */
  category?: string | null | undefined
  /** kept as an attribute */
  channel?: string | null | undefined
  /** 1 to 5 */
  satisfaction?: number | null | undefined
  /** when the satisfaction became known; null: when resolved */
  satisfaction_at?: Moment | null | undefined
  /** when the satisfaction became known; null: when resolved */
  satisfactionAt?: Moment | null | undefined
  /** when the row became known; hidden until then */
  known_at?: Moment | null | undefined
  /** when the row became known; hidden until then */
  knownAt?: Moment | null | undefined
  /** whose record it is; must be the container's tenant */
  tenant_id?: Id | null | undefined
  /** whose record it is; must be the container's tenant */
  tenantId?: Id | null | undefined
}

/** A row of tickets. Required: `customer_id`, `opened_at`. */
export type TicketRow = TicketColumns & Column<'customer_id', Id> & Column<'opened_at', Moment>

/** A row of tickets of one customer, whose `customer_id` it inherits. */
export type OwnTicketRow = TicketColumns & Column<'opened_at', Moment>

/** The columns of an activity, each in both spellings. */
export interface ActivityColumns {
  /** whose activity */
  customer_id?: Id | null | undefined
  /** whose activity */
  customerId?: Id | null | undefined
  /** when */
  at?: Moment | null | undefined
  /** which; rows with one id and different known_at are versions */
  activity_id?: Id | null | undefined
  /** which; rows with one id and different known_at are versions */
  activityId?: Id | null | undefined
  /** what kind of activity */
  kind?: string | null | undefined
  /** how much of it; null: 1 */
  quantity?: number | null | undefined
  /** when the row became known; hidden until then */
  known_at?: Moment | null | undefined
  /** when the row became known; hidden until then */
  knownAt?: Moment | null | undefined
  /** whose record it is; must be the container's tenant */
  tenant_id?: Id | null | undefined
  /** whose record it is; must be the container's tenant */
  tenantId?: Id | null | undefined
}

/** A row of activities. Required: `customer_id`, `at`. */
export type ActivityRow = ActivityColumns & Column<'customer_id', Id> & Column<'at', Moment>

/** A row of activities of one customer, whose `customer_id` it inherits. */
export type OwnActivityRow = ActivityColumns & Column<'at', Moment>

/** Every error code, equal in Rust, Python and Node. */
export type ErrorCode =
  | 'missing_column'
  | 'duplicate_column'
  | 'missing_value'
  | 'bad_type'
  | 'bad_timestamp'
  | 'out_of_range'
  | 'not_finite'
  | 'unknown_status'
  | 'unknown_priority'
  | 'duplicate_id'
  | 'duplicate_version'
  | 'unknown_customer'
  | 'ends_before_start'
  | 'inconsistent_status'
  | 'mixed_currency'
  | 'wrong_tenant'
  | 'unreadable_table'
  | 'tenant_mismatch'
  | 'invalid_option'
  | 'immature_label'
  | 'single_class'
  | 'too_little_data'
  | 'nothing_after_purge'
  | 'leakage'
  | 'feature_mismatch'
  | 'customer_not_found'
  | 'not_eligible'
  | 'no_eligible_customers'
  | 'unknown_feature'
  | 'cancelled'
  | 'artifact_damaged'
  | 'artifact_version'
  | 'artifact_too_large'
  | 'import_failed'
  | 'io'
  | 'store_unavailable'
  | 'store_busy'
  | 'store_full'
  | 'store_newer'
  | 'store_not_migrated'
  | 'store_damaged'
  | 'store_refused'
  | 'not_isolated'
  | 'not_found'
  | 'internal'
