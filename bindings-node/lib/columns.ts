// Written by scripts/columns.mjs from the column dictionary and the error codes of churn-core. Do not edit.

/**
 * A moment: a valid `Date`, or ISO-8601 text such as `'2024-01-31'` or `'2024-01-31T12:30:00Z'`. A text without a
 * time zone is in UTC.
 */
export type Moment = string | Date

/** An id. A number must be whole, and is converted to its decimal text. */
export type Id = string | number | bigint

/** One of the four tables. */
export type TableName = 'customers' | 'payments' | 'tickets' | 'activities'

/** A name in camelCase. */
export type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S

/** A required column, spelled in snake_case or in camelCase. */
export type Column<Name extends string, V> = { [K in Name]: V } | { [K in Camel<Name>]: V }

/** The columns of a customer, in snake_case and in camelCase. */
export interface CustomerColumns {
  /** the customer's id. */
  customer_id?: Id | null | undefined
  /** The other spelling of `customer_id`. */
  customerId?: Id | null | undefined
  /** when the customer signed up. A row with a later sign-up begins a new spell (an uninterrupted period as a customer). */
  signed_up_at?: Moment | null | undefined
  /** The other spelling of `signed_up_at`. */
  signedUpAt?: Moment | null | undefined
  /** when the customer left. Null if they have not left. The last row with the same signed_up_at decides. For a cancellation that is announced for a later time, give notice_at as well. */
  churned_at?: Moment | null | undefined
  /** The other spelling of `churned_at`. */
  churnedAt?: Moment | null | undefined
  /** when the customer announced their cancellation. From then on, a model of cancellation does not score them. Give it in all rows with the same signed_up_at. */
  notice_at?: Moment | null | undefined
  /** The other spelling of `notice_at`. */
  noticeAt?: Moment | null | undefined
  /** when the contract renews. */
  renews_at?: Moment | null | undefined
  /** The other spelling of `renews_at`. */
  renewsAt?: Moment | null | undefined
  /** the time since which the row is true. Several rows with the same customer and the same sign-up are versions of one customer. If null, the row is true since sign-up. */
  valid_from?: Moment | null | undefined
  /** The other spelling of `valid_from`. */
  validFrom?: Moment | null | undefined
  /** the time at which the row became known. A prediction as of an earlier time does not use the row. Null means that the row was always known. */
  known_at?: Moment | null | undefined
  /** The other spelling of `known_at`. */
  knownAt?: Moment | null | undefined
  /** the tenant the row belongs to. */
  tenant_id?: Id | null | undefined
  /** The other spelling of `tenant_id`. */
  tenantId?: Id | null | undefined
}

/** A row of customers. Required: `customer_id`, `signed_up_at`. */
export type CustomerRecord = CustomerColumns & Column<'customer_id', Id> & Column<'signed_up_at', Moment>

/** The columns of a payment, in snake_case and in camelCase. */
export interface PaymentColumns {
  /** the customer who pays. */
  customer_id?: Id | null | undefined
  /** The other spelling of `customer_id`. */
  customerId?: Id | null | undefined
  /** when the payment was due. This is the time of the event. */
  due_at?: Moment | null | undefined
  /** The other spelling of `due_at`. */
  dueAt?: Moment | null | undefined
  /** the amount in major units (12.34). Zero and negative amounts are valid and count as payments. */
  amount?: number | null | undefined
  /** the id of the payment. Rows with the same id and different known_at are versions of one payment. */
  payment_id?: Id | null | undefined
  /** The other spelling of `payment_id`. */
  paymentId?: Id | null | undefined
  /** when the payment was paid or failed. Null if neither has happened yet. Without this column, every payment that is not pending is settled on its due date. */
  settled_at?: Moment | null | undefined
  /** The other spelling of `settled_at`. */
  settledAt?: Moment | null | undefined
  /** paid, failed, pending or refunded. A settled payment without a status is paid. */
  status?: 'paid' | 'failed' | 'pending' | 'refunded' | null | undefined
  /** when the payment was refunded. If this is null, a refunded payment counts as refunded when it was settled. */
  refunded_at?: Moment | null | undefined
  /** The other spelling of `refunded_at`. */
  refundedAt?: Moment | null | undefined
  /** the ISO 4217 code of the currency. Null means the currency of the tenant. */
  currency?: string | null | undefined
  /** the payment method. The standard features do not use it. */
  method?: string | null | undefined
  /** the time at which the row became known. A prediction as of an earlier time does not use the row. Null means that the row was always known. */
  known_at?: Moment | null | undefined
  /** The other spelling of `known_at`. */
  knownAt?: Moment | null | undefined
  /** the tenant the row belongs to. */
  tenant_id?: Id | null | undefined
  /** The other spelling of `tenant_id`. */
  tenantId?: Id | null | undefined
}

/** A row of payments. Required: `customer_id`, `due_at`, `amount`. */
export type PaymentRow = PaymentColumns & Column<'customer_id', Id> & Column<'due_at', Moment> & Column<'amount', number>

/** A row of payments that is nested in its customer's row, so it needs no `customer_id`. */
export type OwnPaymentRow = PaymentColumns & Column<'due_at', Moment> & Column<'amount', number>

/** The columns of a ticket, in snake_case and in camelCase. */
export interface TicketColumns {
  /** the customer who opened the ticket. */
  customer_id?: Id | null | undefined
  /** The other spelling of `customer_id`. */
  customerId?: Id | null | undefined
  /** when the ticket was opened. This is the time of the event. */
  opened_at?: Moment | null | undefined
  /** The other spelling of `opened_at`. */
  openedAt?: Moment | null | undefined
  /** the id of the ticket. Rows with the same id and different known_at are versions of one ticket. */
  ticket_id?: Id | null | undefined
  /** The other spelling of `ticket_id`. */
  ticketId?: Id | null | undefined
  /** when the ticket was first answered. Null if it has not been answered. */
  first_response_at?: Moment | null | undefined
  /** The other spelling of `first_response_at`. */
  firstResponseAt?: Moment | null | undefined
  /** when the ticket was resolved. Null if it is open. */
  resolved_at?: Moment | null | undefined
  /** The other spelling of `resolved_at`. */
  resolvedAt?: Moment | null | undefined
  /** when the ticket was reopened. Null if it was never reopened. */
  reopened_at?: Moment | null | undefined
  /** The other spelling of `reopened_at`. */
  reopenedAt?: Moment | null | undefined
  /** low, normal, high or urgent. Null means normal. The features about urgent tickets count high and urgent. */
  priority?: 'low' | 'normal' | 'high' | 'urgent' | null | undefined
  /** the category. The standard features do not use it. */
  category?: string | null | undefined
  /** the channel. The standard features do not use it. */
  channel?: string | null | undefined
  /** the customer's rating from 1 to 5. Null if the ticket was not rated. */
  satisfaction?: number | null | undefined
  /** when the rating became known. Null means that it became known when the ticket was resolved. */
  satisfaction_at?: Moment | null | undefined
  /** The other spelling of `satisfaction_at`. */
  satisfactionAt?: Moment | null | undefined
  /** the time at which the row became known. A prediction as of an earlier time does not use the row. Null means that the row was always known. */
  known_at?: Moment | null | undefined
  /** The other spelling of `known_at`. */
  knownAt?: Moment | null | undefined
  /** the tenant the row belongs to. */
  tenant_id?: Id | null | undefined
  /** The other spelling of `tenant_id`. */
  tenantId?: Id | null | undefined
}

/** A row of tickets. Required: `customer_id`, `opened_at`. */
export type TicketRow = TicketColumns & Column<'customer_id', Id> & Column<'opened_at', Moment>

/** A row of tickets that is nested in its customer's row, so it needs no `customer_id`. */
export type OwnTicketRow = TicketColumns & Column<'opened_at', Moment>

/** The columns of an activity, in snake_case and in camelCase. */
export interface ActivityColumns {
  /** the customer who acts. */
  customer_id?: Id | null | undefined
  /** The other spelling of `customer_id`. */
  customerId?: Id | null | undefined
  /** when the activity happened. This is the time of the event. */
  at?: Moment | null | undefined
  /** the id of the activity. Rows with the same id and different known_at are versions of one activity. */
  activity_id?: Id | null | undefined
  /** The other spelling of `activity_id`. */
  activityId?: Id | null | undefined
  /** the kind of activity, such as login or export. Activities with null form a kind of their own. Without this column, all activities are of one kind. */
  kind?: string | null | undefined
  /** the quantity in any unit. A null or a missing column means 1. */
  quantity?: number | null | undefined
  /** the time at which the row became known. A prediction as of an earlier time does not use the row. Null means that the row was always known. */
  known_at?: Moment | null | undefined
  /** The other spelling of `known_at`. */
  knownAt?: Moment | null | undefined
  /** the tenant the row belongs to. */
  tenant_id?: Id | null | undefined
  /** The other spelling of `tenant_id`. */
  tenantId?: Id | null | undefined
}

/** A row of activities. Required: `customer_id`, `at`. */
export type ActivityRow = ActivityColumns & Column<'customer_id', Id> & Column<'at', Moment>

/** A row of activities that is nested in its customer's row, so it needs no `customer_id`. */
export type OwnActivityRow = ActivityColumns & Column<'at', Moment>

/** The columns of a subscription, in snake_case and in camelCase. */
export interface SubscriptionColumns {
  /** the customer who has the subscription. */
  customer_id?: Id | null | undefined
  /** The other spelling of `customer_id`. */
  customerId?: Id | null | undefined
  /** when the subscription began. */
  started_at?: Moment | null | undefined
  /** The other spelling of `started_at`. */
  startedAt?: Moment | null | undefined
  /** the price of all seats for one interval, in major units. */
  price?: number | null | undefined
  /** the billing interval: day, week, month, quarter or year. */
  interval?: 'day' | 'week' | 'month' | 'quarter' | 'year' | null | undefined
  /** the id of the subscription. Rows with the same id and different known_at are versions of one subscription. */
  subscription_id?: Id | null | undefined
  /** The other spelling of `subscription_id`. */
  subscriptionId?: Id | null | undefined
  /** when the subscription ended or will end. Null if no end is known. */
  ended_at?: Moment | null | undefined
  /** The other spelling of `ended_at`. */
  endedAt?: Moment | null | undefined
  /** the name of the plan. */
  plan?: string | null | undefined
  /** the number of seats. */
  seats?: number | null | undefined
  /** the ISO 4217 code of the currency, which is the same in all rows. */
  currency?: string | null | undefined
  /** the time at which the row became known. A prediction as of an earlier time does not use the row. Null means that the row was always known. */
  known_at?: Moment | null | undefined
  /** The other spelling of `known_at`. */
  knownAt?: Moment | null | undefined
}

/** A row of subscriptions. Required: `customer_id`, `started_at`, `price`, `interval`. */
export type SubscriptionRow = SubscriptionColumns & Column<'customer_id', Id> & Column<'started_at', Moment> & Column<'price', number> & Column<'interval', 'day' | 'week' | 'month' | 'quarter' | 'year'>

/** All error codes. They are the same in Rust, Python and Node. */
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
