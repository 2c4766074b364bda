import type { ErrorCode, TableName } from './columns.js'

export type {
  BandCalibration, CalibrationBin, CardCalibration, CardData, CardFeatures, CardMetrics, CardPopulation, ChurnRateAt, ClassifierPart, ClassifierReport, ColumnNote,
  Direction, DroppedMember, Estimate, Interval, LeakageAction, LeakageEvidence, LeakageFinding, Measures, MemberReport, ModelCard, Monotonicity, OutOfTime,
  PurgeProof, Reason, ReasonValue, RiskBand, RiskBands, TrainReport,
} from '../reports.js'

export interface TableReport {
  /** `rowsIn = rowsAccepted + rowsQuarantined`. */
  rowsIn: number
  rowsAccepted: number
  rowsQuarantined: number
  /** Positions of the quarantined rows, ascending. */
  quarantined: number[]
  /** Accepted events before their customer's first sign-up. */
  eventsBeforeSignUp: number
}

export interface ValidationIssue {
  table: TableName
  /** Position of the row; null for the whole table. */
  row: number | null
  column: string | null
  code: ErrorCode
  message: string
}

/** What is likely a mistake in valid rows. A finding refuses nothing. */
export interface Finding {
  code:
    | 'unused_column' | 'before_sign_up' | 'after_end' | 'far_date' | 'likely_duplicate' | 'gap_exceeds_horizon' | 'constant_column' | 'empty_column'
    | 'reactivated' | 'withdrawn' | 'no_subscription'
  table: TableName
  /** null for whole rows. */
  column: string | null
  /** Number of rows. */
  rows: number
  /** Positions of the first of these rows, ascending: at most five. */
  examples: number[]
  /** What was found, and what to do about it. */
  message: string
}

export interface ValidationReport {
  /** Whether no row was refused or quarantined. */
  isClean: boolean
  /** Counts of the tables that were given. */
  tables: Partial<Record<TableName, TableReport>>
  issues: ValidationIssue[]
  /** Likely mistakes in valid rows. */
  findings: Finding[]
  /** Attributes without dates, which features leave out, and why. */
  undatedAttributes: { attribute: string; reason: string }[]
}
