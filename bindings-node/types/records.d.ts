import type { CustomerRecord, TableName } from './columns.js';
import type { ValidationReport } from './reports.js';
import type { ArrowTables, Cancellable, ColumnInfo, ObjectTables, TableOptions } from './types.js';
/** The validated records of one tenant. Immutable. */
export declare class TenantRecords {
    #private;
    private constructor();
    /**
     * Reads tables of plain objects, on the calling thread (about 0.7 s per 100 000 rows: see {@link fromObjectsAsync}).
     *
     * @throws {ChurnError} with the code, table, row and column of the first bad value, and the whole report.
     */
    static fromObjects<C extends CustomerRecord>(tables: {
        tenant: string;
    } & ObjectTables<C> & TableOptions): TenantRecords;
    /**
     * As {@link fromObjects}, without holding the event loop for long: rows are read in slices of about 10 ms, and validated on
     * another thread. Do not change the rows before the promise has settled.
     */
    static fromObjectsAsync<C extends CustomerRecord>(tables: {
        tenant: string;
    } & ObjectTables<C> & TableOptions & Cancellable): Promise<TenantRecords>;
    /**
     * Reads tables in Arrow.
     *
     * @throws {ChurnError} as {@link fromObjects}; `unreadable_table` if a buffer is not an Arrow IPC file or stream.
     */
    static fromArrow(tables: {
        tenant: string;
    } & ArrowTables & TableOptions): TenantRecords;
    get tenant(): string;
    /** ISO 4217 code of all amounts; null if it is not known. */
    get currency(): string | null;
    /** Sorted by bytes. */
    get customerIds(): readonly string[];
    /** Start of the history. */
    get observedFrom(): string | null;
    /** End of the observed time. */
    get observedUntil(): string | null;
    /** The validation report. */
    get report(): ValidationReport;
    /** Number of rows of a table; null if it was not given. */
    rows(table: TableName): number | null;
    toJSON(): {
        tenant: string;
        currency: string | null;
        observedFrom: string | null;
        observedUntil: string | null;
        rows: Record<TableName, number | null>;
        report: ValidationReport;
    };
    /** Frees the memory of the records. Calls that are running finish; later ones throw. */
    [Symbol.dispose](): void;
}
/** The columns that the library knows of a table, required ones first. */
export declare function columnsOf(table: TableName): ColumnInfo[];
export interface Partition {
    /** The records of each tenant; rows in their reports are positions in the mixed tables. */
    tenants: Map<string, TenantRecords>;
    /** Report on rows without a tenant. */
    unassigned: ValidationReport;
    /** For each tenant and table, the positions of its rows in the mixed table, ascending. */
    positions: Map<string, Partial<Record<TableName, Uint32Array>>>;
}
/** Splits tables with a `tenant_id` column by tenant: all are arrays of objects, or all are Arrow. */
export declare function partition<C extends CustomerRecord>(tables: (ObjectTables<C> | ArrowTables) & TableOptions): Partition;
