import type { ErrorCode, TableName } from './columns.js';
import type { FindingCode } from '../reports.js';
export type { BandCalibration, CalibrationBin, CardCalibration, CardData, CardFeatures, CardMetrics, CardPopulation, ChurnRateAt, ClassifierPart, ClassifierReport, ColumnNote, Direction, DroppedMember, Estimate, FindingCode, Interval, LeakageAction, LeakageEvidence, LeakageFinding, Measures, MemberReport, ModelCard, Monotonicity, OutOfTime, PurgeProof, Reason, ReasonValue, RiskBand, RiskBands, TrainReport, Warning, WarningCode, } from '../reports.js';
/** The row counts of one table after validation. */
export interface TableReport {
    /** Number of rows that were given: the sum of `rowsAccepted` and `rowsQuarantined`. */
    rowsIn: number;
    rowsAccepted: number;
    rowsQuarantined: number;
    /** 0-based positions of the quarantined rows (invalid rows that were left out), in ascending order. */
    quarantined: number[];
    /** Number of accepted events that happened before the customer's first sign-up. */
    eventsBeforeSignUp: number;
}
/** An invalid value or an invalid table. */
export interface ValidationIssue {
    table: TableName;
    /** 0-based position of the row; null if the issue concerns the whole table. */
    row: number | null;
    column: string | null;
    code: ErrorCode;
    message: string;
}
/** A likely mistake in valid rows. A finding never causes an error, and no row is left out because of it. */
export interface Finding {
    code: FindingCode;
    table: TableName;
    /** The name of the column; null if the finding concerns whole rows. */
    column: string | null;
    /** Number of affected rows. */
    rows: number;
    /** 0-based positions of the first affected rows, at most five, in ascending order. */
    examples: number[];
    /** What was found, and how to correct it. */
    message: string;
}
/** The result of the validation of one tenant's tables. */
export interface ValidationReport {
    /** Whether all rows are valid. */
    isClean: boolean;
    /** The row counts of each table that was given. */
    tables: Partial<Record<TableName, TableReport>>;
    issues: ValidationIssue[];
    /** Likely mistakes in valid rows. */
    findings: Finding[];
    /**
     * The attributes that are not used as features, each with the reason. For example, an attribute is not used if its
     * values have no dates.
     */
    undatedAttributes: {
        attribute: string;
        reason: string;
    }[];
}
