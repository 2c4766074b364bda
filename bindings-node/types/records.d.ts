import type { CustomerRecord, TableName } from './columns.js';
import type { ValidationReport } from './reports.js';
import type { ArrowTables, Cancellable, ColumnInfo, ObjectTables, TableOptions } from './types.js';
/** The validated records of one tenant. Immutable. */
export declare class TenantRecords {
    #private;
    private constructor();
    /**
     * Reads tables of plain objects on the calling thread, which takes about 0.7 s per 100 000 rows. In a server, use
     * {@link fromObjectsAsync}.
     *
     * @throws {ChurnError} with the code, table, row and column of the first invalid value, and the whole report.
     */
    static fromObjects<C extends CustomerRecord>(tables: {
        tenant: string;
    } & ObjectTables<C> & TableOptions): TenantRecords;
    /**
     * Like {@link fromObjects}, without blocking the event loop: rows are read in slices of about 10 ms and validated on another
     * thread. Do not change the rows before the promise settles.
     */
    static fromObjectsAsync<C extends CustomerRecord>(tables: {
        tenant: string;
    } & ObjectTables<C> & TableOptions & Cancellable): Promise<TenantRecords>;
    /**
     * Reads Arrow tables, on the calling thread.
     *
     * @throws {ChurnError} the errors of {@link fromObjects}, and `unreadable_table` if a buffer is not an Arrow IPC file or stream.
     */
    static fromArrow(tables: {
        tenant: string;
    } & ArrowTables & TableOptions): TenantRecords;
    /** The tenant's id. */
    get tenant(): string;
    /** ISO 4217 code of all amounts; null if unknown. */
    get currency(): string | null;
    /** The ids of all customers, sorted by their UTF-8 bytes. */
    get customerIds(): readonly string[];
    /** Start of the observed history; null without events. */
    get observedFrom(): string | null;
    /** End of the observed history; null without events. */
    get observedUntil(): string | null;
    /** The validation report. */
    get report(): ValidationReport;
    /** Number of rows of a table; null if it was not given. */
    rows(table: TableName): number | null;
    /** What `JSON.stringify` writes: the row counts and the report, without the rows. */
    toJSON(): {
        tenant: string;
        currency: string | null;
        observedFrom: string | null;
        observedUntil: string | null;
        rows: Record<TableName, number | null>;
        report: ValidationReport;
    };
    /** Frees the memory of the records. Running calls finish; later calls throw. */
    [Symbol.dispose](): void;
}
/** The columns that the library recognizes in a table, required ones first. */
export declare function columnsOf(table: TableName | 'subscriptions'): ColumnInfo[];
/** The result of {@link partition}. */
export interface Partition {
    /** The records of each tenant. Row numbers in their reports are positions in the tables that were given. */
    tenants: Map<string, TenantRecords>;
    /** The report on rows without a tenant. */
    unassigned: ValidationReport;
    /** For each tenant and table, the positions of the tenant's rows in the table that was given, ascending. */
    positions: Map<string, Partial<Record<TableName, Uint32Array>>>;
}
/** Splits tables with a `tenant_id` column by tenant. Give either all tables as arrays of objects, or all tables as Arrow. */
export declare function partition<C extends CustomerRecord>(tables: (ObjectTables<C> | ArrowTables) & TableOptions): Partition;
