import type { TableName } from './columns.js';
import type { ActivityRow, CustomerRow, PaymentRow, TicketRow } from './types.js';
import type { Moment, Moments, Threads } from './types.js';
/** Options of a synthetic world. The defaults of the rates are documented in `churn_core::synthetic`. */
export interface WorldOptions extends Threads {
    /** Seed of the simulation. Default: 0. */
    seed?: number | bigint;
    /** Number of tenants. Default: 3. */
    tenants?: number;
    /** Number of customers of each tenant. Default: 1000. */
    customers?: number;
    /** Midnight at which the history begins. Default: 2023-01-02. */
    start?: Moment;
    /** Number of days of history. Default: 910. */
    days?: number;
    /** Share of customers who signed up before the start. */
    initialCustomers?: number;
    activitiesPerDay?: number;
    ticketsPerDay?: number;
    billingDays?: number;
    /** This number is added to the log-odds of each day's risk of churn. */
    risk?: number;
    /** Share of churned customers who return. */
    returning?: number;
    /** Share of rows that become known later than they happen. */
    lateKnown?: number;
    /** Whether customer rows are dated versions. Default: true. */
    dated?: boolean;
    /** Standard deviation, in log-odds, of reasons for churn that no record shows. */
    hidden?: number;
    /** How much the reasons for churn change over the history, 0 to 1. */
    drift?: number;
    /** This number is added to the log-odds of churn in the last 182 days. */
    baseRateShift?: number;
    /** Share of duplicated rows. */
    duplicates?: number;
    /** Share of event rows without a customer. */
    eventsWithoutCustomer?: number;
    /** Share of event rows with the id of another tenant's customer. */
    unknownIds?: number;
    /** Names of planted columns that leak the target, or `'all'`. */
    leaks?: 'all' | readonly string[];
    /** Number of simulated futures from which each true risk is computed. */
    paths?: number;
}
/** Synthetic tables, generated on first use. */
export declare class WorldTables {
    #private;
    /** The customers. */
    get customers(): readonly CustomerRow[];
    /** The payments. */
    get payments(): readonly PaymentRow[];
    /** The tickets. */
    get tickets(): readonly TicketRow[];
    /** The activities. */
    get activities(): readonly ActivityRow[];
    /** The tables as Arrow IPC files, for `TenantRecords.fromArrow`. */
    toArrow(): Record<TableName, Buffer>;
}
/** The tables of one synthetic tenant. */
export declare class WorldTenant extends WorldTables {
    readonly id: string;
}
/** The true risk of an eligible customer at a date. */
export interface TrueRisk {
    tenantId: string;
    customerId: string;
    asOf: string;
    /** Probability of cancellation in the label period, given the customer's history before the date. */
    probability: number;
    /** Whether the customer churned; null if the label period ends after the simulated time. */
    churned: boolean | null;
}
/** Options of {@link World.truthAt}. */
export interface TruthOptions {
    /** Dates at midnight. Default: `dates`. */
    asOf?: Moments;
    /** Length of the label period in days. Default: 90. */
    horizon?: number;
    /** Days between `asOf` and the label period. Default: 0. */
    lead?: number;
}
/** Synthetic tenants with known risk. */
export declare class World {
    /** The tenants by id: `t001`, `t002`, ... */
    readonly tenants: Readonly<Record<string, WorldTenant>>;
    private constructor();
    /** Start of the observed history. */
    get observedFrom(): string;
    /** End of the observed history. */
    get observedUntil(): string;
    /** Six dates whose label periods of 90 days end before the last event, latest first. */
    get dates(): readonly string[];
    /** The true risk of cancellation within 90 days at each of `dates`. */
    get truth(): readonly TrueRisk[];
    /** The true risk at other dates and for other label periods. */
    truthAt(options: TruthOptions): TrueRisk[];
    /** The rows of all tenants in shared tables with a `tenant_id` column, for `partition`. */
    mixed(): WorldTables;
}
/** Synthetic B2B tenants with known risk. The same options give the same tenants in Rust, Python and Node. */
export declare const synthetic: {
    /** Generates a world. @throws {ChurnError} `invalid_option` if an option is out of range. */
    world: (options?: WorldOptions) => World;
    /** The fifty planted leaks: the name and the meaning of each column. */
    leaks: () => Record<string, string>;
};
