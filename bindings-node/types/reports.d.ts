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
    /** Accepted events before their customer's first sign-up. */
    eventsBeforeSignUp: number;
}
/** A bad value, or a bad table. */
export interface ValidationIssue {
    table: TableName;
    /** Position of the row, counted from 0; null for the whole table. */
    row: number | null;
    column: string | null;
    code: ErrorCode;
    message: string;
}
/** A likely mistake in valid rows. No row is refused because of a finding. */
export interface Finding {
    code: 'unused_column' | 'before_sign_up' | 'after_end' | 'far_date' | 'likely_duplicate' | 'gap_exceeds_horizon' | 'constant_column' | 'empty_column' | 'reactivated' | 'withdrawn' | 'no_subscription';
    table: TableName;
    /** null if the finding is about whole rows. */
    column: string | null;
    /** Number of rows. */
    rows: number;
    /** Positions of the first five of these rows, ascending. */
    examples: number[];
    /** What was found, and what to do about it. */
    message: string;
}
/** What validation found in the tables of one tenant. */
export interface ValidationReport {
    /** Whether no row was refused or quarantined. */
    isClean: boolean;
    /** Counts of the tables that were given. */
    tables: Partial<Record<TableName, TableReport>>;
    issues: ValidationIssue[];
    /** Likely mistakes in valid rows. */
    findings: Finding[];
    /** Attributes without dates, which stay out of the features, and why. */
    undatedAttributes: {
        attribute: string;
        reason: string;
    }[];
}
