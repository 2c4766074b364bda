import type { CustomerRecord, TableName } from './columns.js';
import type { ValidationReport } from './reports.js';
import type { ArrowTables, Cancellable, ColumnInfo, ObjectTables, TableOptions } from './types.js';
/** The validated records of one tenant. A `TenantRecords` is immutable. */
export declare class TenantRecords {
    #private;
    private constructor();
    /**
     * Reads tables of plain objects. This function blocks the calling thread for about 0.7 s per 100 000 rows. In a
     * server, use {@link fromObjectsAsync}.
     *
     * @throws {ChurnError} with the code, table, row and column of the first invalid value, and with the whole report.
     */
    static fromObjects<C extends CustomerRecord>(tables: {
        tenant: string;
    } & ObjectTables<C> & TableOptions): TenantRecords;
    /**
     * Reads tables like {@link fromObjects}, but without blocking the event loop. Rows are read in slices that take about
     * 5 ms each, and are validated on another thread. Do not change the rows before the promise settles.
     */
    static fromObjectsAsync<C extends CustomerRecord>(tables: {
        tenant: string;
    } & ObjectTables<C> & TableOptions & Cancellable): Promise<TenantRecords>;
    /**
     * Reads Arrow tables. This function is synchronous.
     *
     * @throws {ChurnError} the errors of {@link fromObjects}, and `unreadable_table` if a buffer is not an Arrow IPC file
     * or stream.
     */
    static fromArrow(tables: {
        tenant: string;
    } & ArrowTables & TableOptions): TenantRecords;
    /** The tenant's id. */
    get tenant(): string;
    /** The ISO 4217 code of the currency of all amounts. It is null if the currency is unknown. */
    get currency(): string | null;
    /** The ids of all customers, sorted by their UTF-8 bytes. */
    get customerIds(): readonly string[];
    /** Start of the observed history (the period that the records cover); null if there are no events. */
    get observedFrom(): string | null;
    /** End of the observed history (the period that the records cover); null if there are no events. */
    get observedUntil(): string | null;
    /** The validation report. */
    get report(): ValidationReport;
    /** Returns the number of rows of a table, or null if the table was not given. */
    rows(table: TableName): number | null;
    /** The value that `JSON.stringify` writes for this object: the row counts and the report, without the rows. */
    toJSON(): {
        tenant: string;
        currency: string | null;
        observedFrom: string | null;
        observedUntil: string | null;
        rows: Record<TableName, number | null>;
        report: ValidationReport;
    };
    /** Frees the memory of the records after all running calls have finished. Later calls throw an error. */
    [Symbol.dispose](): void;
}
/** Returns the columns that the library recognizes in a table. Required columns come first. */
export declare function columnsOf(table: TableName | 'subscriptions'): ColumnInfo[];
/** The result of {@link partition}. */
export interface Partition {
    /**
     * The records of each tenant, by tenant id. A row number in a tenant's report is the position of the row in the input
     * table.
     */
    tenants: Map<string, TenantRecords>;
    /** The report on rows without a tenant. */
    unassigned: ValidationReport;
    /** For each tenant and table, the positions of the tenant's rows in the input table, in ascending order. */
    positions: Map<string, Partial<Record<TableName, Uint32Array>>>;
}
/**
 * Splits tables that contain rows of many tenants into the records of each tenant. The column `tenant_id` contains the
 * tenant of each row. Pass either all tables as arrays of objects, or all tables as Arrow.
 */
export declare function partition<C extends CustomerRecord>(tables: (ObjectTables<C> | ArrowTables) & TableOptions): Partition;
