import type { ErrorCode, TableName } from './columns.js';
export type { BandCalibration, CalibrationBin, CardCalibration, CardData, CardFeatures, CardMetrics, CardPopulation, ChurnRateAt, ClassifierPart, ClassifierReport, ColumnNote, Direction, DroppedMember, Estimate, Interval, LeakageAction, LeakageEvidence, LeakageFinding, Measures, MemberReport, ModelCard, Monotonicity, OutOfTime, PurgeProof, Reason, ReasonValue, RiskBand, RiskBands, TrainReport, Warning, WarningCode, } from '../reports.js';
/** Row counts of one table. */
export interface TableReport {
    /** `rowsIn = rowsAccepted + rowsQuarantined`. */
    rowsIn: number;
    rowsAccepted: number;
    rowsQuarantined: number;
    /** Positions of the quarantined rows, ascending. */
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
/** A likely mistake in valid rows. No row is refused because of a finding. */
export interface Finding {
    code: 'unused_column' | 'before_sign_up' | 'after_end' | 'far_date' | 'likely_duplicate' | 'gap_exceeds_horizon' | 'constant_column' | 'empty_column' | 'reactivated' | 'withdrawn' | 'no_subscription';
    table: TableName;
    /** The column; null if the finding concerns whole rows. */
    column: string | null;
    /** Number of affected rows. */
    rows: number;
    /** Positions of the first five affected rows, ascending. */
    examples: number[];
    /** What was found, and how to correct it. */
    message: string;
}
/** The result of the validation of one tenant's tables. */
export interface ValidationReport {
    /** Whether all rows are valid. */
    isClean: boolean;
    /** Counts of the tables that were given. */
    tables: Partial<Record<TableName, TableReport>>;
    issues: ValidationIssue[];
    /** Likely mistakes in valid rows. */
    findings: Finding[];
    /** Attributes that do not enter features because they have no dates, with the reason for each. */
    undatedAttributes: {
        attribute: string;
        reason: string;
    }[];
}
