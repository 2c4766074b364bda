import { isArrow, toBytes } from './arrow.js'
import type { Column, CustomerColumns, Id, SubscriptionRow } from './columns.js'
import { ChurnError, findingsOf } from './errors.js'
import { checked, guard, keys, native, noMore } from './glue.js'
import type { Finding } from './reports.js'
import type { Arrow, Attribute, WithAttributes } from './types.js'

export interface SubscriptionOptions {
  /** Attributes of `customers` that never change, so that today's value holds for the past. */
  staticAttributes?: 'all' | readonly string[]
}

const OPTIONS = keys<SubscriptionOptions>({ staticAttributes: 1 })

/** A row of customers whose attributes are joined: `customer_id` is required. */
export type JoinedCustomerRow = CustomerColumns & Column<'customer_id', Id>

/** A version of a customer, made of subscriptions. Moments are ISO-8601 text. */
export interface SubscriptionCustomerRow {
  customerId: string
  /** Start of the spell: of a run of subscriptions without a gap. */
  signedUpAt: string
  /** End of the spell; null while a subscription goes on. */
  churnedAt: string | null
  /** Since when the version is true. */
  validFrom: string
  /** Since when it is known; given if subscriptions have `known_at`. */
  knownAt?: string | null
  /** Given if `customers` have `notice_at`. */
  noticeAt?: string | null
  /** Monthly recurring revenue, in major units. */
  mrr: number
  /** Given if subscriptions have a plan. */
  plan?: string | null
  /** Given if subscriptions have seats. */
  seats?: number | null
}

/**
 * Makes dated customers of subscriptions, for `TenantRecords.fromObjects` or `fromArrow`. Objects give objects, Arrow gives an Arrow
 * IPC file. Synchronous.
 *
 * - A spell is a run of subscriptions without a gap: `signedUpAt` is its start, and `churnedAt` its end.
 * - Each moment of a spell at which a subscription begins or ends starts a version of the customer (`validFrom`).
 * - `mrr` is the sum of the prices at that moment, each times 365/12 (day), 52/12 (week), 1 (month), 1/3 (quarter) or 1/12 (year);
 *   `seats` is the sum of the seats; `plan` is that of the subscription with the greatest `mrr`.
 * - Rows with one `subscription_id` and different `known_at` are versions of one subscription.
 *
 * Attributes of `customers` are joined by `customer_id`: all of them if the table has `valid_from`, otherwise those in
 * `staticAttributes`. Findings name the attributes that are left out, and customers without a subscription.
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
 * @throws {ChurnError} with the row and column of the first value that is not valid; `table` is null if it is one of the
 * subscriptions. `invalid_option` if `customers` have `known_at`, or lack a static attribute.
 */
export function subscriptionsToCustomers<C extends JoinedCustomerRow>(
  subscriptions: readonly SubscriptionRow[],
  customers?: readonly (C & WithAttributes<C>)[] | Arrow | null,
  options?: SubscriptionOptions,
): { customers: (SubscriptionCustomerRow & Record<string, Attribute>)[]; findings: Finding[] }
export function subscriptionsToCustomers<C extends JoinedCustomerRow>(
  subscriptions: Arrow,
  customers?: readonly (C & WithAttributes<C>)[] | Arrow | null,
  options?: SubscriptionOptions,
): { customers: Buffer; findings: Finding[] }
export function subscriptionsToCustomers(
  subscriptions: readonly object[] | Arrow,
  customers?: readonly object[] | Arrow | null,
  options?: SubscriptionOptions,
): { customers: unknown; findings: Finding[] } {
  noMore(arguments.length, 3, 'subscriptionsToCustomers')
  const given = checked(options, OPTIONS)
  if (!Array.isArray(subscriptions) && !isArrow(subscriptions)) {
    throw new ChurnError('subscriptions must be an array of objects, or Arrow', { code: 'unreadable_table' })
  }
  return guard(() => {
    const tables = { subscriptions: toBytes(subscriptions, 'subscriptions'), customers: toBytes(customers, 'customers') }
    const { columns, arrow, findings } = native.subscriptionsToCustomers({ ...tables, ...given })
    return { customers: arrow ?? rowsOf(columns!), findings: findingsOf(JSON.parse(findings)) }
  })
}

/** Columns as rows. */
function rowsOf(columns: readonly { name: string; values: readonly unknown[] }[]): object[] {
  return Array.from({ length: columns[0]?.values.length ?? 0 }, (_, row) => Object.fromEntries(columns.map(({ name, values }) => [name, values[row]])))
}
