import type { ErrorCode, TableName } from './columns.js';
import type { ValidationReport } from './reports.js';
/** The properties of a {@link ChurnError}. */
export interface ErrorDetails {
    code?: ErrorCode;
    table?: TableName | null;
    row?: number | null;
    column?: string | null;
    report?: ValidationReport | null;
    cause?: unknown;
}
/** The error of every function that throws and of every promise that rejects. */
export declare class ChurnError extends Error {
    /** Stable across versions and equal in Rust, Python and Node: match on it. */
    readonly code: ErrorCode;
    /** The table at fault. */
    readonly table: TableName | null;
    /** Position of the row at fault, counted from 0. */
    readonly row: number | null;
    /** The column, feature or option at fault. */
    readonly column: string | null;
    /** The whole report, if records were refused. */
    readonly report: ValidationReport | null;
    constructor(message: string, details?: ErrorDetails);
    /** `'AbortError'` if the call was cancelled, as for a DOMException; else `'ChurnError'`. */
    get name(): string;
    toJSON(): {
        name: string;
        code: ErrorCode;
        message: string;
        table: TableName | null;
        row: number | null;
        column: string | null;
    };
}
