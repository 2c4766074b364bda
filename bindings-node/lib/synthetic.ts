import type { InspectOptions } from 'node:util'
import type { TableName } from './columns.js'
import type { ActivityRow, CustomerRow, PaymentRow, TicketRow } from './types.js'
import { forCore } from './features.js'
import { INSPECT, cached, checked, guard, halfOf, hold, keys, native, shown } from './glue.js'
import type { Moment, Moments, Threads } from './types.js'

type NativeWorld = InstanceType<typeof native.SyntheticWorld>
type NativeTables = ReturnType<NativeWorld['tables']>

/** Options of a synthetic world. The defaults of the rates are documented in `churn_core::synthetic`. */
export interface WorldOptions extends Threads {
  /** Seed of the simulation. Default: 0. */
  seed?: number | bigint
  /** Number of tenants. Default: 3. */
  tenants?: number
  /** Number of customers of each tenant. Default: 1000. */
  customers?: number
  /** Midnight at which the history begins. Default: 2023-01-02. */
  start?: Moment
  /** Number of days of history. Default: 910. */
  days?: number
  /** Share of customers who signed up before the start. */
  initialCustomers?: number
  activitiesPerDay?: number
  ticketsPerDay?: number
  billingDays?: number
  /** This number is added to the log-odds of each day's risk of churn. */
  risk?: number
  /** Share of churned customers who return. */
  returning?: number
  /** Share of rows that become known later than they happen. */
  lateKnown?: number
  /** Whether customer rows are dated versions. Default: true. */
  dated?: boolean
  /** Standard deviation, in log-odds, of reasons for churn that no record shows. */
  hidden?: number
  /** How much the reasons for churn change over the history, 0 to 1. */
  drift?: number
  /** This number is added to the log-odds of churn in the last 182 days. */
  baseRateShift?: number
  /** Share of duplicated rows. */
  duplicates?: number
  /** Share of event rows without a customer. */
  eventsWithoutCustomer?: number
  /** Share of event rows with the id of another tenant's customer. */
  unknownIds?: number
  /** Names of planted columns that leak the target, or `'all'`. */
  leaks?: 'all' | readonly string[]
  /** Number of simulated futures from which each true risk is computed. */
  paths?: number
}

const WORLD_OPTIONS = keys<WorldOptions>({
  seed: 1, tenants: 1, customers: 1, start: 1, days: 1, initialCustomers: 1, activitiesPerDay: 1, ticketsPerDay: 1, billingDays: 1, risk: 1,
  returning: 1, lateKnown: 1, dated: 1, hidden: 1, drift: 1, baseRateShift: 1, duplicates: 1, eventsWithoutCustomer: 1, unknownIds: 1, leaks: 1,
  paths: 1, threads: 1,
})

const TABLES = ['customers', 'payments', 'tickets', 'activities'] as const

/** Synthetic tables, generated on first use. */
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

  /** The customers. */
  get customers(): readonly CustomerRow[] { return this.#rows('customers') }
  /** The payments. */
  get payments(): readonly PaymentRow[] { return this.#rows('payments') }
  /** The tickets. */
  get tickets(): readonly TicketRow[] { return this.#rows('tickets') }
  /** The activities. */
  get activities(): readonly ActivityRow[] { return this.#rows('activities') }

  /** The tables as Arrow IPC files, for `TenantRecords.fromArrow`. */
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

/** The true risk of an eligible customer at a date. */
export interface TrueRisk {
  tenantId: string
  customerId: string
  asOf: string
  /** Probability of cancellation in the label period, given the customer's history before the date. */
  probability: number
  /** Whether the customer churned; null if the label period ends after the simulated time. */
  churned: boolean | null
}

/** Options of {@link World.truthAt}. */
export interface TruthOptions {
  /** Dates at midnight. Default: `dates`. */
  asOf?: Moments
  /** Length of the label period in days. Default: 90. */
  horizon?: number
  /** Days between `asOf` and the label period. Default: 0. */
  lead?: number
}

const TRUTH_OPTIONS = keys<TruthOptions>({ asOf: 1, horizon: 1, lead: 1 })

let make: (options?: WorldOptions) => World

/** Synthetic tenants with known risk. */
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

  /** Start of the observed history. */
  get observedFrom(): string { return halfOf<NativeWorld>(this).observedFrom }
  /** End of the observed history. */
  get observedUntil(): string { return halfOf<NativeWorld>(this).observedUntil }
  /** Six dates whose label periods of 90 days end before the last event, latest first. */
  get dates(): readonly string[] { return cached(this, 'dates', () => halfOf<NativeWorld>(this).dates) }
  /** The true risk of cancellation within 90 days at each of `dates`. */
  get truth(): readonly TrueRisk[] { return cached(this, 'truth', () => this.truthAt({})) }

  /** The true risk at other dates and for other label periods. */
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

  /** The rows of all tenants in shared tables with a `tenant_id` column, for `partition`. */
  mixed(): WorldTables {
    return new WorldTables(() => halfOf<NativeWorld>(this).tables())
  }

  /** @internal */
  [INSPECT](_depth: number, options: InspectOptions): string {
    return shown('World', { tenants: Object.keys(this.tenants), observedUntil: this.observedUntil }, options)
  }
}

/** Synthetic B2B tenants with known risk. The same options give the same tenants in Rust, Python and Node. */
export const synthetic = {
  /** Generates a world. @throws {ChurnError} `invalid_option` if an option is out of range. */
  world: (options?: WorldOptions): World => make(options),
  /** The fifty planted leaks: the name and the meaning of each column. */
  leaks: (): Record<string, string> => Object.fromEntries(native.leaks()),
}
