import type { ErrorCode, TableName } from './columns.js'

export type {
  BandCalibration, CalibrationBin, CardCalibration, CardData, CardFeatures, CardMetrics, CardPopulation, ChurnRateAt, ClassifierPart, ClassifierReport,
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

export interface ValidationReport {
  /** Whether no row was refused or quarantined. */
  isClean: boolean
  /** Counts of the tables that were given. */
  tables: Partial<Record<TableName, TableReport>>
  issues: ValidationIssue[]
  /** Attributes without dates, which features leave out, and why. */
  undatedAttributes: { attribute: string; reason: string }[]
}
