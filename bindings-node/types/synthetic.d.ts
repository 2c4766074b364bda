import type { TableName } from './columns.js';
import type { ActivityRow, CustomerRow, PaymentRow, TicketRow } from './types.js';
import type { Moment, Moments, Threads } from './types.js';
/** Options for the generation of synthetic tenants. */
export interface WorldOptions extends Threads {
    /** Seed of all random numbers. Default: 0. */
    seed?: number | bigint;
    /** Number of tenants. Default: 3. */
    tenants?: number;
    /** Number of customers of each tenant over the whole history, including those who leave. Default: 1000. */
    customers?: number;
    /** Start of the history. It must be a midnight. Default: 2023-01-02. */
    start?: Moment;
    /** Length of the history in days. Default: 910. */
    days?: number;
    /** Share of customers who signed up before the start of the history. Default: 0.5. */
    initialCustomers?: number;
    /** Average number of activities per customer and working day. Default: 0.5. */
    activitiesPerDay?: number;
    /** Average number of tickets per customer and day. Default: 0.012. */
    ticketsPerDay?: number;
    /** Number of days between two bills, at least 7. Default: 30. */
    billingDays?: number;
    /** A number that is added to each customer's daily log-odds of leaving. Default: 0. */
    risk?: number;
    /** Share of churned customers who come back. Default: 0.1. */
    returning?: number;
    /** Share of rows that become known only some days after the event. Default: 0.02. */
    lateKnown?: number;
    /**
     * Whether the customers table has a dated row (version) for each change of a customer's attributes. If false, the
     * table has no `valid_from` column, and has only one row for each spell (uninterrupted period as a customer). This
     * row contains the attributes at the end of the spell. Default: true.
     */
    dated?: boolean;
    /**
     * Strength of the hidden reasons for churn. A reason is hidden if no record shows it. Each customer has a random
     * hidden effect on their log-odds of leaving. This option is the standard deviation of the effect. Default: 0.
     */
    hidden?: number;
    /** How much the causes of churn change over the history, from 0 (no change) to 1. Default: 0. */
    drift?: number;
    /**
     * A number that is added to each customer's daily log-odds of leaving in the last 182 days of the history. Default:
     * 0.
     */
    baseRateShift?: number;
    /** Share of rows that are duplicated. Default: 0. */
    duplicates?: number;
    /** Share of event rows whose customer does not exist. Default: 0. */
    eventsWithoutCustomer?: number;
    /** Share of event rows whose customer id belongs to a customer of another tenant. Default: 0. */
    unknownIds?: number;
    /** The leaks to add: names of columns that leak the target (reveal the label), or `'all'`. Default: none. */
    leaks?: 'all' | readonly string[];
    /** Number of simulated futures from which each true probability is computed. Default: 64. */
    paths?: number;
}
/** The four tables of synthetic customers. All four are generated when one of them is read for the first time. */
export declare class WorldTables {
    #private;
    /** The rows of the table of customers. */
    get customers(): readonly CustomerRow[];
    /** The rows of the table of payments. */
    get payments(): readonly PaymentRow[];
    /** The rows of the table of tickets. */
    get tickets(): readonly TicketRow[];
    /** The rows of the table of activities. */
    get activities(): readonly ActivityRow[];
    /** Returns the tables as Arrow IPC files, which `TenantRecords.fromArrow` accepts. */
    toArrow(): Record<TableName, Buffer>;
}
/** The tables of one synthetic tenant. */
export declare class WorldTenant extends WorldTables {
    readonly id: string;
}
/** The true churn probability of an eligible customer at a date, and the outcome: whether the customer churned. */
export interface TrueRisk {
    tenantId: string;
    customerId: string;
    asOf: string;
    /** The true probability that the customer cancels in the label period, which follows the date. */
    probability: number;
    /** Whether the customer churned; null if the label period ends after the end of the history. */
    churned: boolean | null;
}
/** Options of {@link World.truthAt}. */
export interface TruthOptions {
    /** One date or several dates. Each date must be a midnight. Default: the `dates` of the world. */
    asOf?: Moments;
    /** Length in days of the label period (the period in which cancellations are counted). Default: 90. */
    horizon?: number;
    /** Number of days between `asOf` and the start of the label period. Default: 0. */
    lead?: number;
}
/** Synthetic tenants. The true probability of churn is known for each of their customers. */
export declare class World {
    /** The tenants by id: `t001`, `t002`, ... */
    readonly tenants: Readonly<Record<string, WorldTenant>>;
    private constructor();
    /** Start of the history that was generated. */
    get observedFrom(): string;
    /** End of the history that was generated. */
    get observedUntil(): string;
    /** Six dates (fewer if the history is short), latest first. The history covers the 90 days after each date. */
    get dates(): readonly string[];
    /** The true probability of cancellation within 90 days after each of `dates`, for each eligible customer. */
    get truth(): readonly TrueRisk[];
    /** Returns the true probability of cancellation at other dates and for other label periods. */
    truthAt(options: TruthOptions): TrueRisk[];
    /** Returns tables with the rows of all tenants and a `tenant_id` column. `partition` accepts these tables. */
    mixed(): WorldTables;
}
/**
 * Synthetic B2B tenants. The true probability of churn is known for each of their customers. Equal options give equal
 * tenants in Rust, Python and Node.
 */
export declare const synthetic: {
    /** Generates synthetic tenants. @throws {ChurnError} `invalid_option` if an option is out of range. */
    world: (options?: WorldOptions) => World;
    /**
     * Returns the fifty leaks that `world` can add to its tables. A leak is a column that reveals the label. The result
     * maps the name of each leak to a description of its column.
     */
    leaks: () => Record<string, string>;
};
