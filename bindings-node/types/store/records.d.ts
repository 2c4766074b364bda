import type { CustomerRecord } from '../columns.js';
import type { ValidationReport } from '../reports.js';
import type { Arrow, Cancellable, Id, TableName, WithAttributes } from '../types.js';
/** Options of an upsert, which adds rows and replaces stored rows that have the same key. */
export interface UpsertOptions extends Cancellable {
    /**
     * What happens if rows are invalid. With `'refuse'` (default), nothing is stored, and the call rejects with an error
     * that has the complete validation report. With `'quarantine'`, the invalid rows are left out, and the other rows are
     * stored.
     */
    onInvalid?: 'refuse' | 'quarantine';
}
/** The result of an upsert. */
export interface Upserted {
    rowsIn: number;
    rowsAccepted: number;
    /** Number of rows that are new, or that differ from the stored row that they replaced. */
    rowsChanged: number;
    /** The validation report, which lists the rows that were left out. */
    report: ValidationReport;
}
/**
 * A stored row. The keys of known columns are in snake_case, attributes have their own names, and timestamps are
 * ISO-8601 texts.
 */
export type StoredRow = Record<string, string | number | boolean | null>;
/** Options of a call that reads one page. */
export interface PageOptions {
    /** The value of `next` of the previous page. Without this option, the first page is read. */
    after?: number | null;
    /** Maximum number of rows, 1 to 10 000. Default: 1000. */
    limit?: number;
}
/** Options of {@link RecordStore.find}. */
export interface FindOptions {
    /** Selects customers whose id begins with this text. */
    prefix?: string;
    /** Selects customers whose text attributes have these values. */
    attributes?: Record<string, string>;
    /**
     * If true, selects customers whose current version (dated row) has a `churned_at`. If false, selects customers whose
     * current version has no `churned_at`.
     */
    churned?: boolean | null;
    /** The value of `next` of the previous page. Without this option, the first page is read. */
    after?: string | null;
    /** Maximum number of customers, 1 to 10 000. Default: 100. */
    limit?: number;
}
/** One table of a tenant's records, such as payments. */
export declare class RecordStore<R extends object> {
    #private;
    readonly name: TableName;
    /**
     * Upserts a batch of rows in one transaction. The rows are an array of objects, or Arrow data. Objects are read in
     * several steps of about 5 ms each, so do not change the objects before the promise settles.
     *
     * Each row has a key. A new row replaces the stored row with the same key, so a later batch can correct a stored row.
     * Repeating an upsert changes nothing. The key of an event with an id consists of the id and `known_at`. The key of
     * an event without an id consists of all its values. The key of a customer row is `customer_id`, `signed_up_at`,
     * `valid_from` and `known_at`. If `rows` is `[]`, the store remembers that the table exists but has no rows.
     */
    upsert<Row extends R>(rows: readonly Row[] | Arrow, options?: UpsertOptions): Promise<Upserted>;
    /**
     * Upserts many batches in one transaction, for data that do not fit into memory. If an error occurs, no batch is
     * stored.
     */
    upsertBatches<Row extends R>(batches: AsyncIterable<readonly Row[] | Arrow> | Iterable<readonly Row[] | Arrow>, options?: UpsertOptions): Promise<Upserted>;
    /**
     * Deletes all rows of the records with these ids (`payment_id`, `ticket_id`, `activity_id` or `customer_id`). Returns
     * the number of deleted rows. Unknown ids are ignored. A blank id is an error (`invalid_option`).
     *
     * An upsert never deletes rows, so use this method for records that the source has removed, such as void invoices. If
     * a change of a customer was withdrawn, delete the rows of the customer and upsert the current rows in one transaction
     * ({@link TenantStore.begin}). The customer's events, scores and outcomes stay stored;
     * {@link TenantStore.eraseCustomer} deletes these too.
     */
    delete(ids: Iterable<Id>): Promise<number>;
    /** Validates a batch as `upsert` would, without storing anything. `report` lists every invalid row. */
    check(rows: readonly R[] | Arrow, options?: Cancellable): Promise<Upserted>;
    /**
     * Returns the customers who match the options, sorted by id. Each customer is returned as their current version
     * (dated row). The method reads the customers table, even if it is called on another table, such as payments.
     */
    find(options?: FindOptions): Promise<{
        customers: StoredRow[];
        next: string | null;
    }>;
    /** Returns the number of customers of the tenant. A customer with several versions (dated rows) is counted once. */
    countCustomers(): Promise<number>;
    /** Returns the number of rows. A customer or event with several versions has one row for each version. */
    count(): Promise<number>;
    /**
     * Returns a page of rows, in the order in which the rows were first stored. To get the next page, pass `next` as
     * `after`.
     */
    page(options?: PageOptions): Promise<{
        rows: StoredRow[];
        next: number | null;
    }>;
    /** Returns all rows of one customer in this table. {@link ChurnModel.scoreCustomer} accepts these rows. */
    ofCustomer(customerId: Id): Promise<StoredRow[]>;
}
/** The customers of a tenant. */
export declare class CustomerStore extends RecordStore<CustomerRecord> {
    /** Upserts customers like {@link RecordStore.upsert}. The rows may have attributes. */
    upsert<C extends CustomerRecord>(rows: readonly (C & WithAttributes<C>)[] | Arrow, options?: UpsertOptions): Promise<Upserted>;
}
