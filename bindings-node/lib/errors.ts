import type { ErrorCode, TableName } from './columns.js'
import type { Finding, ValidationReport } from './reports.js'

/** The properties of a {@link ChurnError}. */
export interface ErrorDetails {
  code?: ErrorCode
  table?: TableName | null
  row?: number | null
  column?: string | null
  report?: ValidationReport | null
  retryable?: boolean
  cause?: unknown
}

/** The error class of this module. Functions throw errors of this class, and promises reject with them. */
export class ChurnError extends Error {
  /**
   * The kind of error, as a code for programs. Codes are stable across versions, and are the same in Rust, Python and
   * Node.
   */
  readonly code: ErrorCode
  /** The table with the error; null if the error does not concern a table. */
  readonly table: TableName | null
  /** 0-based position of the row with the error; null if the error does not concern a row. */
  readonly row: number | null
  /** The name of the column, feature or option with the error; null if the error does not concern any of these. */
  readonly column: string | null
  /** The whole validation report if invalid records were refused, otherwise null. */
  readonly report: ValidationReport | null
  /** Whether the same call may succeed if it is repeated later. For example, this is true if the database was busy. */
  readonly retryable: boolean

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = details.code ?? 'internal'
    this.table = details.table ?? null
    this.row = details.row ?? null
    this.column = details.column ?? null
    this.report = details.report ?? null
    this.retryable = details.retryable ?? false
  }

  /**
   * The name is `'AbortError'` if the call was cancelled, because programs recognize an aborted call by this name.
   * Otherwise, the name is `'ChurnError'`.
   */
  override get name(): string {
    return this.code === 'cancelled' ? 'AbortError' : 'ChurnError'
  }

  /** The value that `JSON.stringify` writes for this object: the error without its report. */
  toJSON(): { name: string; code: ErrorCode; message: string; table: TableName | null; row: number | null; column: string | null } {
    const { name, code, message, table, row, column } = this
    return { name, code, message, table, row, column }
  }
}

/** Maps the names of options in Rust and Python to their names in JavaScript, such as `as_of` to `asOf`. */
const SPELLINGS = new Map<string, string>()

/** @internal Converts a camelCase name to snake_case, which the Rust library uses. */
export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** @internal Registers the camelCase name of an option. `spelled` then writes it instead of the snake_case name. */
export function declareOption(name: string): void {
  const other = snake(name)
  if (other !== name) SPELLINGS.set(other, name)
}

/** @internal Replaces the names of options in a message of the Rust library by their names in JavaScript. */
export function spelled(text: string): string {
  return text.replace(/\b[a-z0-9]+(?:_[a-z0-9]+)+\b/g, (word) => SPELLINGS.get(word) ?? word)
}

/** @internal Replaces the names of options in findings of the Rust library by their names in JavaScript. */
export function findingsOf(findings: Finding[]): Finding[] {
  for (const finding of findings) finding.message = spelled(finding.message)
  return findings
}

/** @internal Replaces the names of options in a report of the Rust library by their names in JavaScript. */
export function reportOf(json: ValidationReport): ValidationReport {
  for (const issue of json.issues) issue.message = spelled(issue.message)
  findingsOf(json.findings)
  for (const attribute of json.undatedAttributes) attribute.reason = spelled(attribute.reason)
  return json
}

/** @internal Replaces the names of options in warnings of the Rust library by their names in JavaScript. */
export function warningsOf<T extends { warnings: { message: string }[] }>(holder: T): T {
  for (const warning of holder.warnings) warning.message = spelled(warning.message)
  return holder
}

/** @internal Converts the error of a native call to a ChurnError. */
export function translate(error: unknown): unknown {
  if (error instanceof ChurnError || !(error instanceof Error)) return error
  if (error.message.startsWith('{"churn":')) {
    const { message, column, report, ...details } = JSON.parse(error.message).churn
    return new ChurnError(spelled(message), {
      ...details,
      column: details.table === null && column !== null ? spelled(column) : column,
      report: report === null ? null : reportOf(report),
    })
  }
  const { code } = error as { code?: unknown }
  if (code === undefined) return error // Code of the caller, such as a getter, threw this error.
  // The code of an error that napi-rs itself throws is an N-API status: https://github.com/napi-rs/napi-rs/issues/2333.
  const wrongType = /Expected|InvalidArg|Failed to (convert|get)/.test(`${code}`)
  return new ChurnError(error.message, { code: wrongType ? 'invalid_option' : 'internal', cause: error })
}
