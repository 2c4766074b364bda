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

/** The error that every function throws and every promise rejects with. */
export class ChurnError extends Error {
  /** The error code, by which programs can tell errors apart. Codes are stable across versions and the same in Rust, Python and Node. */
  readonly code: ErrorCode
  /** The table with the error; null if the error does not concern a table. */
  readonly table: TableName | null
  /** 0-based position of the row with the error; null if the error does not concern a row. */
  readonly row: number | null
  /** The column, feature or option with the error; null if the error does not concern one. */
  readonly column: string | null
  /** The whole validation report if records were refused, otherwise null. */
  readonly report: ValidationReport | null
  /** Whether the same call may succeed later, for example when the database is busy. */
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

  /** `'AbortError'` if the call was cancelled, as in a DOMException; otherwise `'ChurnError'`. */
  override get name(): string {
    return this.code === 'cancelled' ? 'AbortError' : 'ChurnError'
  }

  /** What `JSON.stringify` writes: the error without its report. */
  toJSON(): { name: string; code: ErrorCode; message: string; table: TableName | null; row: number | null; column: string | null } {
    const { name, code, message, table, row, column } = this
    return { name, code, message, table, row, column }
  }
}

/** The names of options in Rust and Python, with their names in JavaScript: `as_of` is `asOf`. */
const SPELLINGS = new Map<string, string>()

/** @internal A name in the core's spelling. */
export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** @internal Declares the name of an option, so that messages spell it as JavaScript does. */
export function declareOption(name: string): void {
  const other = snake(name)
  if (other !== name) SPELLINGS.set(other, name)
}

/** @internal Replaces the names of options in a message of the core by their names in JavaScript. */
export function spelled(text: string): string {
  return text.replace(/\b[a-z0-9]+(?:_[a-z0-9]+)+\b/g, (word) => SPELLINGS.get(word) ?? word)
}

/** @internal Findings of the core, with the names of options in JavaScript's spelling. */
export function findingsOf(findings: Finding[]): Finding[] {
  for (const finding of findings) finding.message = spelled(finding.message)
  return findings
}

/** @internal A report of the core, with the names of options in JavaScript's spelling. */
export function reportOf(json: ValidationReport): ValidationReport {
  for (const issue of json.issues) issue.message = spelled(issue.message)
  findingsOf(json.findings)
  for (const attribute of json.undatedAttributes) attribute.reason = spelled(attribute.reason)
  return json
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
  if (code === undefined) return error // a getter or proxy of the caller threw this error
  // In errors that napi-rs itself throws, the code is a status: https://github.com/napi-rs/napi-rs/issues/2333.
  const wrongType = /Expected|InvalidArg|Failed to (convert|get)/.test(`${code}`)
  return new ChurnError(error.message, { code: wrongType ? 'invalid_option' : 'internal', cause: error })
}
