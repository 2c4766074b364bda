import type { Column, CustomerColumns, Id, SubscriptionRow } from './columns.js';
import type { Finding } from './reports.js';
import type { Arrow, Attribute, WithAttributes } from './types.js';
/** Options of {@link subscriptionsToCustomers}. */
export interface SubscriptionOptions {
    /** Attributes of `customers` that never change, so that today's value is valid for the past. */
    staticAttributes?: 'all' | readonly string[];
}
/** A row of the table `customers`, whose attributes are joined. `customer_id` is required. */
export type JoinedCustomerRow = CustomerColumns & Column<'customer_id', Id>;
/** A version of a customer, computed from subscriptions. Moments are ISO-8601 text. */
export interface SubscriptionCustomerRow {
    customerId: string;
    /** Start of the spell: a series of subscriptions without a gap. */
    signedUpAt: string;
    /** End of the spell; null if a subscription has not ended. */
    churnedAt: string | null;
    /** Start of the version. */
    validFrom: string;
    /** When the version became known. Present if subscriptions have `known_at`. */
    knownAt?: string | null;
    /** When the customer gave notice in this spell. Present if `customers` has `notice_at`. */
    noticeAt?: string | null;
    /** Monthly recurring revenue, in major currency units. */
    mrr: number;
    /** The plan of the subscription with the greatest `mrr`. Present if subscriptions have `plan`. */
    plan?: string | null;
    /** The sum of the seats. Present if subscriptions have `seats`. */
    seats?: number | null;
}
/**
 * Converts subscriptions to dated customer rows for `TenantRecords.fromObjects`, or to an Arrow IPC file for `fromArrow` if the
 * subscriptions are Arrow. This function is synchronous.
 *
 * - A spell is a series of subscriptions without a gap. `signedUpAt` is its start, and `churnedAt` is its end.
 * - Whenever a subscription begins or ends within a spell, a new version of the customer begins (`validFrom`).
 * - `mrr` is the sum of the prices at `validFrom`, each multiplied by 365/12 (day), 52/12 (week), 1 (month), 1/3 (quarter) or 1/12
 *   (year). `seats` is the sum of the seats. `plan` is the plan of the subscription with the greatest `mrr`.
 * - Rows with the same `subscription_id` and different `known_at` are versions of one subscription.
 *
 * Attributes of `customers` are joined by `customer_id`: all of them if the table has `valid_from`, otherwise those in
 * `staticAttributes`. `notice_at` is always joined, and `renews_at` is joined like an attribute. `signed_up_at` and `churned_at`
 * are not used. Findings list the attributes that are left out and the customers without a subscription.
 *
 * ```js
 * const { customers, findings } = subscriptionsToCustomers([
 *   { customerId: 'C-1', startedAt: '2024-01-01', endedAt: '2024-04-01', price: 30, interval: 'month', plan: 'basic' },
 *   { customerId: 'C-1', startedAt: '2024-04-01', price: 600, interval: 'year', plan: 'pro' },
 * ])
 * console.log(customers.map(({ validFrom, mrr }) => [validFrom, mrr]), findings) // 30 a month, then 50 a month
 * const records = TenantRecords.fromObjects({ tenant: 'acme', customers })
 * ```
 *
 * @throws {ChurnError} with code, row and column of the first invalid value; `table` is null for a subscription and `'customers'`
 * for a customer. The code is `invalid_option` if `customers` has `known_at`, or does not have an attribute named in
 * `staticAttributes`.
 */
export declare function subscriptionsToCustomers<C extends JoinedCustomerRow>(subscriptions: readonly SubscriptionRow[], customers?: readonly (C & WithAttributes<C>)[] | Arrow | null, options?: SubscriptionOptions): {
    customers: (SubscriptionCustomerRow & Record<string, Attribute>)[];
    findings: Finding[];
};
export declare function subscriptionsToCustomers<C extends JoinedCustomerRow>(subscriptions: Arrow, customers?: readonly (C & WithAttributes<C>)[] | Arrow | null, options?: SubscriptionOptions): {
    customers: Buffer;
    findings: Finding[];
};
