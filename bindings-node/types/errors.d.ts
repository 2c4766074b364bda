import type { ErrorCode, TableName } from './columns.js';
import type { ValidationReport } from './reports.js';
/** The properties of a {@link ChurnError}. */
export interface ErrorDetails {
    code?: ErrorCode;
    table?: TableName | null;
    row?: number | null;
    column?: string | null;
    report?: ValidationReport | null;
    retryable?: boolean;
    cause?: unknown;
}
/** The error class of this module. Functions throw errors of this class, and promises reject with them. */
export declare class ChurnError extends Error {
    /**
     * The kind of error, as a code for programs. Codes are stable across versions, and are the same in Rust, Python and
     * Node.
     */
    readonly code: ErrorCode;
    /** The table with the error; null if the error does not concern a table. */
    readonly table: TableName | null;
    /** 0-based position of the row with the error; null if the error does not concern a row. */
    readonly row: number | null;
    /** The name of the column, feature or option with the error; null if the error does not concern any of these. */
    readonly column: string | null;
    /** The whole validation report if invalid records were refused, otherwise null. */
    readonly report: ValidationReport | null;
    /** Whether the same call may succeed if it is repeated later. For example, this is true if the database was busy. */
    readonly retryable: boolean;
    constructor(message: string, details?: ErrorDetails);
    /**
     * The name is `'AbortError'` if the call was cancelled, because programs recognize an aborted call by this name.
     * Otherwise, the name is `'ChurnError'`.
     */
    get name(): string;
    /** The value that `JSON.stringify` writes for this object: the error without its report. */
    toJSON(): {
        name: string;
        code: ErrorCode;
        message: string;
        table: TableName | null;
        row: number | null;
        column: string | null;
    };
}
