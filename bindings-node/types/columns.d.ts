/** A moment: ISO-8601 text (`'2024-01-31'`, `'2024-01-31T12:30:00Z'`; without a zone: UTC) or a valid `Date`. */
export type Moment = string | Date;
/** An id; a whole number becomes its decimal text. */
export type Id = string | number | bigint;
/** One of the four tables. */
export type TableName = 'customers' | 'payments' | 'tickets' | 'activities';
/** A name in camelCase. */
export type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;
/** A required column in either spelling. */
export type Column<Name extends string, V> = {
    [K in Name]: V;
} | {
    [K in Camel<Name>]: V;
};
/** The columns of a customer, each in both spellings. */
export interface CustomerColumns {
    /** the customer's id */
    customer_id?: Id | null | undefined;
    /** the customer's id */
    customerId?: Id | null | undefined;
    /** when the customer signed up; a later one begins a new spell */
    signed_up_at?: Moment | null | undefined;
    /** when the customer signed up; a later one begins a new spell */
    signedUpAt?: Moment | null | undefined;
    /** when the spell ended or will end; null: it has not ended */
    churned_at?: Moment | null | undefined;
    /** when the spell ended or will end; null: it has not ended */
    churnedAt?: Moment | null | undefined;
    /** when the customer gave notice */
    notice_at?: Moment | null | undefined;
    /** when the customer gave notice */
    noticeAt?: Moment | null | undefined;
    /** when the contract renews */
    renews_at?: Moment | null | undefined;
    /** when the contract renews */
    renewsAt?: Moment | null | undefined;
    /** the time since which the row is true; rows of one customer and sign-up are versions; null: since sign-up */
    valid_from?: Moment | null | undefined;
    /** the time since which the row is true; rows of one customer and sign-up are versions; null: since sign-up */
    validFrom?: Moment | null | undefined;
    /** the time at which the row became known; hidden before; null: always known */
    known_at?: Moment | null | undefined;
    /** the time at which the row became known; hidden before; null: always known */
    knownAt?: Moment | null | undefined;
    /** the tenant the row belongs to */
    tenant_id?: Id | null | undefined;
    /** the tenant the row belongs to */
    tenantId?: Id | null | undefined;
}
/** A row of customers. Required: `customer_id`, `signed_up_at`. */
export type CustomerRecord = CustomerColumns & Column<'customer_id', Id> & Column<'signed_up_at', Moment>;
/** The columns of a payment, each in both spellings. */
export interface PaymentColumns {
    /** the customer who pays */
    customer_id?: Id | null | undefined;
    /** the customer who pays */
    customerId?: Id | null | undefined;
    /** when the payment was due: the event time */
    due_at?: Moment | null | undefined;
    /** when the payment was due: the event time */
    dueAt?: Moment | null | undefined;
    /** the amount in major units (12.34); zero and negative amounts are valid */
    amount?: number | null | undefined;
    /** the record's id; rows with one id and different known_at are versions */
    payment_id?: Id | null | undefined;
    /** the record's id; rows with one id and different known_at are versions */
    paymentId?: Id | null | undefined;
    /** when it was paid or failed; null: not yet; no column: on the due date */
    settled_at?: Moment | null | undefined;
    /** when it was paid or failed; null: not yet; no column: on the due date */
    settledAt?: Moment | null | undefined;
    /** paid, failed, pending or refunded; null or no column: paid once settled */
    status?: 'paid' | 'failed' | 'pending' | 'refunded' | null | undefined;
    /** when it was refunded; null with status refunded: at settlement */
    refunded_at?: Moment | null | undefined;
    /** when it was refunded; null with status refunded: at settlement */
    refundedAt?: Moment | null | undefined;
    /** ISO 4217 code; null: the tenant's currency */
    currency?: string | null | undefined;
    /** the payment method; not used by the standard features */
    method?: string | null | undefined;
    /** the time at which the row became known; hidden before; null: always known */
    known_at?: Moment | null | undefined;
    /** the time at which the row became known; hidden before; null: always known */
    knownAt?: Moment | null | undefined;
    /** the tenant the row belongs to */
    tenant_id?: Id | null | undefined;
    /** the tenant the row belongs to */
    tenantId?: Id | null | undefined;
}
/** A row of payments. Required: `customer_id`, `due_at`, `amount`. */
export type PaymentRow = PaymentColumns & Column<'customer_id', Id> & Column<'due_at', Moment> & Column<'amount', number>;
/** A row of payments of one customer, whose `customer_id` it inherits. */
export type OwnPaymentRow = PaymentColumns & Column<'due_at', Moment> & Column<'amount', number>;
/** The columns of a ticket, each in both spellings. */
export interface TicketColumns {
    /** the customer who opened it */
    customer_id?: Id | null | undefined;
    /** the customer who opened it */
    customerId?: Id | null | undefined;
    /** when the ticket was opened: the event time */
    opened_at?: Moment | null | undefined;
    /** when the ticket was opened: the event time */
    openedAt?: Moment | null | undefined;
    /** the record's id; rows with one id and different known_at are versions */
    ticket_id?: Id | null | undefined;
    /** the record's id; rows with one id and different known_at are versions */
    ticketId?: Id | null | undefined;
    /** when it was first answered; null: not yet */
    first_response_at?: Moment | null | undefined;
    /** when it was first answered; null: not yet */
    firstResponseAt?: Moment | null | undefined;
    /** when it was resolved; null: not yet */
    resolved_at?: Moment | null | undefined;
    /** when it was resolved; null: not yet */
    resolvedAt?: Moment | null | undefined;
    /** when it was reopened; null: never */
    reopened_at?: Moment | null | undefined;
    /** when it was reopened; null: never */
    reopenedAt?: Moment | null | undefined;
    /** low, normal, high or urgent; null: normal */
    priority?: 'low' | 'normal' | 'high' | 'urgent' | null | undefined;
    /** the category; not used by the standard features */
    category?: string | null | undefined;
    /** the channel; not used by the standard features */
    channel?: string | null | undefined;
    /** the customer's rating, 1 to 5; null: not rated */
    satisfaction?: number | null | undefined;
    /** when the satisfaction became known; null: at resolution */
    satisfaction_at?: Moment | null | undefined;
    /** when the satisfaction became known; null: at resolution */
    satisfactionAt?: Moment | null | undefined;
    /** the time at which the row became known; hidden before; null: always known */
    known_at?: Moment | null | undefined;
    /** the time at which the row became known; hidden before; null: always known */
    knownAt?: Moment | null | undefined;
    /** the tenant the row belongs to */
    tenant_id?: Id | null | undefined;
    /** the tenant the row belongs to */
    tenantId?: Id | null | undefined;
}
/** A row of tickets. Required: `customer_id`, `opened_at`. */
export type TicketRow = TicketColumns & Column<'customer_id', Id> & Column<'opened_at', Moment>;
/** A row of tickets of one customer, whose `customer_id` it inherits. */
export type OwnTicketRow = TicketColumns & Column<'opened_at', Moment>;
/** The columns of an activity, each in both spellings. */
export interface ActivityColumns {
    /** the customer who acts */
    customer_id?: Id | null | undefined;
    /** the customer who acts */
    customerId?: Id | null | undefined;
    /** when it happened: the event time */
    at?: Moment | null | undefined;
    /** the record's id; rows with one id and different known_at are versions */
    activity_id?: Id | null | undefined;
    /** the record's id; rows with one id and different known_at are versions */
    activityId?: Id | null | undefined;
    /** the kind of activity: login, export; null: a separate kind; no column: a single kind */
    kind?: string | null | undefined;
    /** the quantity, in any unit; null or no column: 1 */
    quantity?: number | null | undefined;
    /** the time at which the row became known; hidden before; null: always known */
    known_at?: Moment | null | undefined;
    /** the time at which the row became known; hidden before; null: always known */
    knownAt?: Moment | null | undefined;
    /** the tenant the row belongs to */
    tenant_id?: Id | null | undefined;
    /** the tenant the row belongs to */
    tenantId?: Id | null | undefined;
}
/** A row of activities. Required: `customer_id`, `at`. */
export type ActivityRow = ActivityColumns & Column<'customer_id', Id> & Column<'at', Moment>;
/** A row of activities of one customer, whose `customer_id` it inherits. */
export type OwnActivityRow = ActivityColumns & Column<'at', Moment>;
/** The columns of a subscription, each in both spellings. */
export interface SubscriptionColumns {
    /** the customer who has the subscription */
    customer_id?: Id | null | undefined;
    /** the customer who has the subscription */
    customerId?: Id | null | undefined;
    /** when the subscription began */
    started_at?: Moment | null | undefined;
    /** when the subscription began */
    startedAt?: Moment | null | undefined;
    /** the price in major units, per interval and for all seats */
    price?: number | null | undefined;
    /** the billing interval: day, week, month, quarter or year */
    interval?: 'day' | 'week' | 'month' | 'quarter' | 'year' | null | undefined;
    /** the record's id; rows with one id and different known_at are versions */
    subscription_id?: Id | null | undefined;
    /** the record's id; rows with one id and different known_at are versions */
    subscriptionId?: Id | null | undefined;
    /** when the subscription ended or will end; null: it is active */
    ended_at?: Moment | null | undefined;
    /** when the subscription ended or will end; null: it is active */
    endedAt?: Moment | null | undefined;
    /** the name of the plan */
    plan?: string | null | undefined;
    /** the number of seats */
    seats?: number | null | undefined;
    /** ISO 4217 code; one for all rows */
    currency?: string | null | undefined;
    /** the time at which the row became known; hidden before; null: always known */
    known_at?: Moment | null | undefined;
    /** the time at which the row became known; hidden before; null: always known */
    knownAt?: Moment | null | undefined;
}
/** A row of subscriptions. Required: `customer_id`, `started_at`, `price`, `interval`. */
export type SubscriptionRow = SubscriptionColumns & Column<'customer_id', Id> & Column<'started_at', Moment> & Column<'price', number> & Column<'interval', 'day' | 'week' | 'month' | 'quarter' | 'year'>;
/** Every error code, equal in Rust, Python and Node. */
export type ErrorCode = 'missing_column' | 'duplicate_column' | 'missing_value' | 'bad_type' | 'bad_timestamp' | 'out_of_range' | 'not_finite' | 'unknown_status' | 'unknown_priority' | 'duplicate_id' | 'duplicate_version' | 'unknown_customer' | 'ends_before_start' | 'inconsistent_status' | 'mixed_currency' | 'wrong_tenant' | 'unreadable_table' | 'tenant_mismatch' | 'invalid_option' | 'immature_label' | 'single_class' | 'too_little_data' | 'nothing_after_purge' | 'leakage' | 'feature_mismatch' | 'customer_not_found' | 'not_eligible' | 'no_eligible_customers' | 'unknown_feature' | 'cancelled' | 'artifact_damaged' | 'artifact_version' | 'artifact_too_large' | 'import_failed' | 'io' | 'store_unavailable' | 'store_busy' | 'store_full' | 'store_newer' | 'store_not_migrated' | 'store_damaged' | 'store_refused' | 'not_isolated' | 'not_found' | 'internal';
