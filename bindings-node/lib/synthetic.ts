import type { InspectOptions } from 'node:util'
import type { TableName } from './columns.js'
import type { ActivityRow, CustomerRow, PaymentRow, TicketRow } from './types.js'
import { forCore } from './features.js'
import { INSPECT, cached, checked, guard, halfOf, hold, keys, native, shown } from './glue.js'
import type { Moment, Moments, Threads } from './types.js'

type NativeWorld = InstanceType<typeof native.SyntheticWorld>
type NativeTables = ReturnType<NativeWorld['tables']>

/** Options for the generation of synthetic tenants. */
export interface WorldOptions extends Threads {
  /** Seed of all random numbers. Default: 0. */
  seed?: number | bigint
  /** Number of tenants. Default: 3. */
  tenants?: number
  /** Number of customers of each tenant over the whole history, including those who leave. Default: 1000. */
  customers?: number
  /** Start of the history. It must be a midnight. Default: 2023-01-02. */
  start?: Moment
  /** Length of the history in days. Default: 910. */
  days?: number
  /** Share of customers who signed up before the start of the history. Default: 0.5. */
  initialCustomers?: number
  /** Average number of activities per customer and working day. Default: 0.5. */
  activitiesPerDay?: number
  /** Average number of tickets per customer and day. Default: 0.012. */
  ticketsPerDay?: number
  /** Number of days between two bills, at least 7. Default: 30. */
  billingDays?: number
  /** A number that is added to each customer's daily log-odds of leaving. Default: 0. */
  risk?: number
  /** Share of churned customers who come back. Default: 0.1. */
  returning?: number
  /** Share of rows that become known only some days after the event. Default: 0.02. */
  lateKnown?: number
  /**
   * Whether the customers table has a dated row (version) for each change of a customer's attributes. If false, the
   * table has no `valid_from` column, and has only one row for each spell (uninterrupted period as a customer). This
   * row contains the attributes at the end of the spell. Default: true.
   */
  dated?: boolean
  /**
   * Strength of the hidden reasons for churn. A reason is hidden if no record shows it. Each customer has a random
   * hidden effect on their log-odds of leaving. This option is the standard deviation of the effect. Default: 0.
   */
  hidden?: number
  /** How much the causes of churn change over the history, from 0 (no change) to 1. Default: 0. */
  drift?: number
  /**
   * A number that is added to each customer's daily log-odds of leaving in the last 182 days of the history. Default:
   * 0.
   */
  baseRateShift?: number
  /** Share of rows that are duplicated. Default: 0. */
  duplicates?: number
  /** Share of event rows whose customer does not exist. Default: 0. */
  eventsWithoutCustomer?: number
  /** Share of event rows whose customer id belongs to a customer of another tenant. Default: 0. */
  unknownIds?: number
  /** The leaks to add: names of columns that leak the target (reveal the label), or `'all'`. Default: none. */
  leaks?: 'all' | readonly string[]
  /** Number of simulated futures from which each true probability is computed. Default: 64. */
  paths?: number
}

const WORLD_OPTIONS = keys<WorldOptions>({
  seed: 1, tenants: 1, customers: 1, start: 1, days: 1, initialCustomers: 1, activitiesPerDay: 1, ticketsPerDay: 1, billingDays: 1, risk: 1,
  returning: 1, lateKnown: 1, dated: 1, hidden: 1, drift: 1, baseRateShift: 1, duplicates: 1, eventsWithoutCustomer: 1, unknownIds: 1, leaks: 1,
  paths: 1, threads: 1,
})

const TABLES = ['customers', 'payments', 'tickets', 'activities'] as const

/** The four tables of synthetic customers. All four are generated when one of them is read for the first time. */
export class WorldTables {
  readonly #make: () => NativeTables

  /** @internal */
  constructor(make: () => NativeTables) {
    this.#make = make
  }

  get #tables(): NativeTables { return cached(this, 'tables', this.#make) }

  #rows<T>(name: TableName): T[] {
    return cached(this, name, () => {
      const columns = this.#tables.columns(name)
      const rows: Record<string, unknown>[] = Array.from({ length: columns[0]?.values.length ?? 0 }, () => ({}))
      for (const { name: column, values } of columns) {
        const numbers = values instanceof Float64Array
        for (let row = 0; row < rows.length; row++) {
          rows[row]![column] = numbers && Number.isNaN(values[row]) ? null : values[row] ?? null
        }
      }
      return rows as T[]
    })
  }

  /** The rows of the table of customers. */
  get customers(): readonly CustomerRow[] { return this.#rows('customers') }
  /** The rows of the table of payments. */
  get payments(): readonly PaymentRow[] { return this.#rows('payments') }
  /** The rows of the table of tickets. */
  get tickets(): readonly TicketRow[] { return this.#rows('tickets') }
  /** The rows of the table of activities. */
  get activities(): readonly ActivityRow[] { return this.#rows('activities') }

  /** Returns the tables as Arrow IPC files, which `TenantRecords.fromArrow` accepts. */
  toArrow(): Record<TableName, Buffer> {
    return guard(() => Object.fromEntries(TABLES.map((name) => [name, this.#tables.arrow(name)]))) as Record<TableName, Buffer>
  }
}

/** The tables of one synthetic tenant. */
export class WorldTenant extends WorldTables {
  readonly id: string

  /** @internal */
  constructor(world: NativeWorld, id: string) {
    super(() => world.tables(id))
    this.id = id
  }
}

/** The true churn probability of an eligible customer at a date, and the outcome: whether the customer churned. */
export interface TrueRisk {
  tenantId: string
  customerId: string
  asOf: string
  /** The true probability that the customer cancels in the label period, which follows the date. */
  probability: number
  /** Whether the customer churned; null if the label period ends after the end of the history. */
  churned: boolean | null
}

/** Options of {@link World.truthAt}. */
export interface TruthOptions {
  /** One date or several dates. Each date must be a midnight. Default: the `dates` of the world. */
  asOf?: Moments
  /** Length in days of the label period (the period in which cancellations are counted). Default: 90. */
  horizon?: number
  /** Number of days between `asOf` and the start of the label period. Default: 0. */
  lead?: number
}

const TRUTH_OPTIONS = keys<TruthOptions>({ asOf: 1, horizon: 1, lead: 1 })

let make: (options?: WorldOptions) => World

/** Synthetic tenants. The true probability of churn is known for each of their customers. */
export class World {
  /** The tenants by id: `t001`, `t002`, ... */
  readonly tenants: Readonly<Record<string, WorldTenant>>

  private constructor(options?: WorldOptions) {
    const given = checked(options, WORLD_OPTIONS)
    const world = guard(() => native.SyntheticWorld.make(forCore(given)))
    hold(this, world)
    this.tenants = Object.fromEntries(world.tenants.map((id) => [id, new WorldTenant(world, id)]))
  }

  static {
    make = (options) => new World(options)
  }

  /** Start of the history that was generated. */
  get observedFrom(): string { return halfOf<NativeWorld>(this).observedFrom }
  /** End of the history that was generated. */
  get observedUntil(): string { return halfOf<NativeWorld>(this).observedUntil }
  /** Six dates (fewer if the history is short), latest first. The history covers the 90 days after each date. */
  get dates(): readonly string[] { return cached(this, 'dates', () => halfOf<NativeWorld>(this).dates) }
  /** The true probability of cancellation within 90 days after each of `dates`, for each eligible customer. */
  get truth(): readonly TrueRisk[] { return cached(this, 'truth', () => this.truthAt({})) }

  /** Returns the true probability of cancellation at other dates and for other label periods. */
  truthAt(options: TruthOptions): TrueRisk[] {
    const given = checked(options, TRUTH_OPTIONS)
    const truth = guard(() => halfOf<NativeWorld>(this).truth(given))
    return truth.customerIds.map((customerId, row) => ({
      tenantId: truth.tenantIds[row]!,
      customerId,
      asOf: truth.asOf[row]!,
      probability: truth.probabilities[row]!,
      churned: truth.churned[row] ?? null,
    }))
  }

  /** Returns tables with the rows of all tenants and a `tenant_id` column. `partition` accepts these tables. */
  mixed(): WorldTables {
    return new WorldTables(() => halfOf<NativeWorld>(this).tables())
  }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    return shown('World', { tenants: Object.keys(this.tenants), observedUntil: this.observedUntil }, options)
  }
}

/**
 * Synthetic B2B tenants. The true probability of churn is known for each of their customers. Equal options give equal
 * tenants in Rust, Python and Node.
 */
export const synthetic = {
  /** Generates synthetic tenants. @throws {ChurnError} `invalid_option` if an option is out of range. */
  world: (options?: WorldOptions): World => make(options),
  /**
   * Returns the fifty leaks that `world` can add to its tables. A leak is a column that reveals the label. The result
   * maps the name of each leak to a description of its column.
   */
  leaks: (): Record<string, string> => Object.fromEntries(native.leaks()),
}
