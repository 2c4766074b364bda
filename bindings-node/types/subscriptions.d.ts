import type { Column, CustomerColumns, Id, SubscriptionRow } from './columns.js';
import type { Finding } from './reports.js';
import type { Arrow, Attribute, WithAttributes } from './types.js';
/** Options of {@link subscriptionsToCustomers}. */
export interface SubscriptionOptions {
    /**
     * Names of the static attributes of `customers` (attributes that never change), or `'all'`. The current values of
     * static attributes are also used for past dates.
     */
    staticAttributes?: 'all' | readonly string[];
}
/** A row of the argument `customers`. Its attributes are joined to the result by `customer_id`, which is required. */
export type JoinedCustomerRow = CustomerColumns & Column<'customer_id', Id>;
/** A version (dated row) of a customer, computed from subscriptions. Moments are ISO-8601 texts. */
export interface SubscriptionCustomerRow {
    customerId: string;
    /** Start of the spell. A spell is one uninterrupted period as a customer: a series of subscriptions without a gap. */
    signedUpAt: string;
    /** End of the spell (the uninterrupted period as a customer); null if one of its subscriptions has no end. */
    churnedAt: string | null;
    /** Start of the version (dated row): the time from which its values hold. */
    validFrom: string;
    /** The time at which the version became known. This key is present if the subscriptions have `known_at`. */
    knownAt?: string | null;
    /**
     * The time at which the customer gave notice, within this spell (the uninterrupted period as a customer). This key is
     * present if `customers` has `notice_at`.
     */
    noticeAt?: string | null;
    /** The monthly recurring revenue of all subscriptions that are active at `validFrom`, in major currency units. */
    mrr: number;
    /**
     * The plan of the subscription with the highest monthly price. This key is present if the subscriptions have `plan`.
     */
    plan?: string | null;
    /**
     * The sum of the seats of all subscriptions that are active at `validFrom`. This key is present if the subscriptions
     * have `seats`.
     */
    seats?: number | null;
}
/**
 * Converts a table of subscriptions to dated customer rows (versions) for `TenantRecords.fromObjects`. If the
 * subscriptions are Arrow data, the result is an Arrow IPC file for `TenantRecords.fromArrow`. This function is
 * synchronous.
 *
 * - A spell is one uninterrupted period as a customer: a series of subscriptions without a gap between them.
 *   `signedUpAt` is the start of the spell, and `churnedAt` is its end.
 * - Whenever a subscription begins or ends within a spell, a new version of the customer begins at `validFrom`.
 * - `mrr` is the monthly recurring revenue: the sum of the monthly prices of all subscriptions that are active at
 *   `validFrom`. A price is converted to a monthly price by a factor that depends on the billing interval: 365/12
 *   (day), 52/12 (week), 1 (month), 1/3 (quarter) or 1/12 (year).
 * - `seats` is the sum of the seats of all subscriptions that are active at `validFrom`. `plan` is the plan of the
 *   active subscription with the highest monthly price.
 * - Rows with the same `subscription_id` and different `known_at` are versions of one subscription.
 *
 * The attributes of `customers` are joined by `customer_id`. If `customers` has a `valid_from` column, all attributes
 * are joined. Otherwise, only the attributes that `staticAttributes` names are joined. `notice_at` is always joined,
 * and `renews_at` is joined like an attribute. `signed_up_at` and `churned_at` of `customers` are not used. The
 * findings name the attributes that are left out, and the customers without a subscription.
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
 * @throws {ChurnError} with the code, row and column of the first invalid value. The error's `table` is null if the
 * value is in `subscriptions`, and `'customers'` if it is in `customers`. The code is `invalid_option` if `customers`
 * has a `known_at` column, or lacks an attribute that is named in `staticAttributes`.
 */
export declare function subscriptionsToCustomers<C extends JoinedCustomerRow>(subscriptions: readonly SubscriptionRow[], customers?: readonly (C & WithAttributes<C>)[] | Arrow | null, options?: SubscriptionOptions): {
    customers: (SubscriptionCustomerRow & Record<string, Attribute>)[];
    findings: Finding[];
};
export declare function subscriptionsToCustomers<C extends JoinedCustomerRow>(subscriptions: Arrow, customers?: readonly (C & WithAttributes<C>)[] | Arrow | null, options?: SubscriptionOptions): {
    customers: Buffer;
    findings: Finding[];
};
