// Functions that all modules of this folder use: they check arguments, hold native objects and make promises. No churn logic.
import { fileURLToPath } from 'node:url'
import { inspect as inspectValue, type InspectOptions } from 'node:util'
import native = require('../native.js')
import { ChurnError, declareOption, snake, translate } from './errors.js'
import type { Cancellable, Progress, Reporting } from './types.js'

export { native }

export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/** An error about one argument. */
export const invalid = (name: string, why: string, row: number | null = null): ChurnError =>
  new ChurnError(`${name} ${why}`, { code: 'invalid_option', row, column: name })

/** Runs a native call and converts its error to a ChurnError. */
export function guard<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw translate(error)
  }
}

/** Throws if a call has extra arguments, such as options in a second object, which would otherwise be ignored. */
export function noMore(given: number, wanted: number, call: string): void {
  if (given > wanted) {
    throw new ChurnError(`${call} takes ${wanted} argument${wanted === 1 ? '' : 's'}, and ${given} were given`, { code: 'invalid_option' })
  }
}

/** The keys of an options object. The compiler checks that they are exactly the keys of the type. */
export type Keys<T> = { readonly [K in keyof Required<T>]: 1 }

export function keys<T>(known: Keys<T>): Keys<T> {
  for (const name of Object.keys(known)) declareOption(name)
  return known
}

/** The Levenshtein distance of two names. */
function distance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const line = [row]
    for (let column = 1; column <= b.length; column++) {
      const change = above[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      line.push(Math.min(change, above[column]! + 1, line[column - 1]! + 1))
    }
    above = line
  }
  return above[b.length]!
}

/** The known names closest to an unknown one. */
export function near(name: string, known: readonly string[]): string[] {
  const folded = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  const own = folded(name)
  return known
    .map((other) => ({ other, apart: distance(own, folded(other)) }))
    .filter(({ other, apart }) => apart <= Math.max(1, Math.floor(Math.min(own.length, other.length) / 3)) || folded(other).startsWith(own) && own.length > 2)
    .sort((a, b) => a.apart - b.apart)
    .slice(0, 3)
    .map(({ other }) => other)
}

/** Options that contain options. The `column` of an error in a nested option is the outer option, as in the core. */
const NESTED = new Set(['boosting', 'deepBoosting', 'forest', 'features'])

/** Returns an options object after checking that it has no unknown keys. */
export function checked<T extends object>(options: T | null | undefined, known: Keys<T>, name = 'options'): T {
  if (options === undefined || options === null) return {} as T
  if (typeof options !== 'object' || Array.isArray(options) || options instanceof Date || ArrayBuffer.isView(options)) {
    throw invalid(name, 'must be an object')
  }
  const names = Object.keys(known)
  for (const key of Object.keys(options)) {
    if (names.includes(key)) continue
    const close = near(key, names)
    const hint = close.length > 0 ? `did you mean ${close.map((other) => `'${other}'`).join(' or ')}? ` : ''
    const [of, column] = NESTED.has(name) ? [` in ${name}`, name] : ['', key]
    throw new ChurnError(`there is no option '${key}'${of}: ${hint}The options are ${names.join(', ')}`, { code: 'invalid_option', column })
  }
  return options
}

/** Returns a string after checking that UTF-8 can encode it. */
export function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalid(name, 'must be a string')
  if (!value.isWellFormed()) throw invalid(name, 'is not well-formed: it holds a lone surrogate')
  return value
}

/** Returns an id as a string. An integer becomes its decimal text, as in records. */
export function id(value: unknown, name: string): string {
  return Number.isSafeInteger(value) || typeof value === 'bigint' ? String(value) : text(value, name)
}

export function count(value: unknown, name: string): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32) return value as number
  throw invalid(name, 'must be a non-negative integer')
}

export function pathOf(path: unknown): string {
  if (path instanceof URL) {
    if (path.protocol !== 'file:') throw invalid('path', 'must be a path or a file URL')
    return fileURLToPath(path)
  }
  if (typeof path !== 'string') throw invalid('path', 'must be a path or a file URL')
  return text(path, 'path')
}

export function bytesOf(bytes: unknown): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes
  throw invalid('bytes', 'must be a Buffer or Uint8Array')
}

/** The methods that all native objects have. */
interface Releasable {
  readonly bytes?: number
  release?(): void
}

const natives = new WeakMap<object, { native: Releasable | null; bytes: number }>()
const registry = new FinalizationRegistry<number>((bytes) => native.adjustMemory(-bytes))

/** Binds a JavaScript object to its native object, and tells V8 how much memory the native object holds. */
export function hold(owner: object, half: object): void {
  const own: Releasable = half
  const bytes = own.bytes ?? 0
  natives.set(owner, { native: own, bytes })
  if (bytes > 0) {
    native.adjustMemory(bytes)
    registry.register(owner, bytes, owner)
  }
}

/** The native object of a JavaScript object. */
export function halfOf<T>(owner: object): T {
  const held = natives.get(owner)
  if (!held?.native) {
    const name = owner.constructor.name
    throw new ChurnError(`this ${name} has been disposed`, { code: 'invalid_option' })
  }
  return held.native as T
}

/** Frees the native object of a JavaScript object before the garbage collector does. Running calls finish. */
export function dispose(owner: object): void {
  const held = natives.get(owner)
  if (!held?.native) return
  held.native.release?.()
  held.native = null
  registry.unregister(owner)
  if (held.bytes > 0) native.adjustMemory(-held.bytes)
}

/** The native object of an argument. Throws if the argument is not of the given class. */
export function argument<T>(value: unknown, type: { readonly name: string; readonly prototype: object }, name: string): T {
  if (typeof value === 'object' && value !== null && natives.has(value) && Object.prototype.isPrototypeOf.call(type.prototype, value)) {
    return halfOf<T>(value)
  }
  throw invalid(name, `must be a ${type.name}`)
}

/** The values of getters that are computed only once. */
const cache = new WeakMap<object, Map<string, unknown>>()

export function cached<T>(owner: object, name: string, make: () => T): T {
  let values = cache.get(owner)
  if (!values) cache.set(owner, (values = new Map()))
  if (!values.has(name)) values.set(name, frozen(guard(make)))
  return values.get(name) as T
}

/** Freezes plain objects and arrays, because all callers of a getter get the same object. */
function frozen<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !ArrayBuffer.isView(value) && !natives.has(value) && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) frozen(inner)
  }
  return value
}

function signalOf(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined
  const given = signal as Partial<AbortSignal>
  if (typeof given.aborted === 'boolean' && typeof given.addEventListener === 'function' && typeof given.removeEventListener === 'function') {
    return signal as AbortSignal
  }
  throw invalid('signal', 'must be an AbortSignal')
}

type Listener = (step: Progress) => void

/**
 * Runs a long native call. The signal cancels it. If `onProgress` throws, the call is cancelled, and the promise rejects with that
 * error. Progress reaches 1 exactly once, at the end, and is never reported after the promise has settled.
 */
export async function long<T>(
  options: Cancellable & Reporting,
  call: (cancel: InstanceType<typeof native.Cancel>, listener?: Listener) => Promise<T>,
): Promise<T> {
  const { onProgress } = options
  const signal = signalOf(options.signal)
  if (onProgress !== undefined && onProgress !== null && typeof onProgress !== 'function') throw invalid('onProgress', 'must be a function')
  const cancelled = () => new ChurnError('the call was cancelled', { code: 'cancelled', cause: signal?.reason })
  if (signal?.aborted) throw cancelled()
  const cancel = new native.Cancel()
  const abort = () => cancel.cancel()
  let thrown: { error: unknown } | undefined
  let settled = false
  let stage = 'done'
  const fail = (error: unknown) => {
    thrown ??= { error }
    cancel.cancel()
  }
  const report = (step: Progress) => {
    try {
      const result: unknown = onProgress!(step)
      if (result instanceof Promise) result.catch(fail)
    } catch (error) {
      fail(error)
    }
  }
  const listener = onProgress && ((step: Progress) => {
    if (thrown || settled) return
    stage = step.stage
    if (step.done < 1) report(step)
  })
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const result = await call(cancel, listener ?? undefined)
    settled = true
    if (onProgress && !thrown) report({ stage, done: 1 })
    if (thrown) throw thrown.error
    return result
  } catch (error) {
    settled = true
    if (thrown) throw thrown.error
    const translated = translate(error)
    if (translated instanceof ChurnError && translated.code === 'cancelled' && signal?.aborted) throw cancelled()
    throw translated
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/** Resolves in the next turn of the event loop. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** The maximum time in milliseconds for which a slice of work blocks the event loop. */
const SLICE = 10

/** Calls `work` for one slice of an array after another. The event loop runs between the slices. */
export async function sliced<T>(rows: readonly T[], signal: AbortSignal | undefined | null, work: (slice: readonly T[]) => void): Promise<void> {
  let size = 256
  for (let from = 0; from < rows.length;) {
    const begin = performance.now()
    guard(() => work(rows.slice(from, from + size)))
    from += size
    const took = performance.now() - begin
    size = Math.max(16, Math.min(65_536, Math.round(size * Math.min(2, SLICE / Math.max(took, 0.01)))))
    if (signal?.aborted) throw new ChurnError('the call was cancelled', { code: 'cancelled', cause: signal.reason })
    await turn()
  }
}

/** Converts the keys of the core's JSON to camelCase. */
export function camelCase<T>(value: unknown): T {
  if (Array.isArray(value)) return value.map(camelCase) as T
  if (value === null || typeof value !== 'object') return value as T
  const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [camel(key), camelCase(inner)])) as T
}

/** Options whose keys are names that the caller chose, so they are not renamed. */
const OWN_KEYS = new Set(['monotoneConstraints'])

/** Converts options to the names of the core, and moments to text. Throws for values that JSON would drop silently. */
function coreValue(value: unknown, name: string): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value
  if (typeof value === 'string') return text(value, name)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalid(name, 'must be a finite number')
    return value
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw invalid(name, 'must be an ISO-8601 date or date-time, or a valid Date')
    return value.toISOString()
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return coreValue(Array.from(value as unknown as ArrayLike<number>), name)
  if (Array.isArray(value)) {
    return value.map((each) => {
      if (each === undefined || each === null) throw invalid(name, 'must not hold null')
      return coreValue(each, name)
    })
  }
  if (typeof value === 'object') {
    const key = (own: string) => OWN_KEYS.has(name) ? text(own, name) : snake(own)
    return Object.fromEntries(Object.entries(value).map(([own, inner]) => [key(own), coreValue(inner, own)]))
  }
  throw invalid(name, `must not be a ${typeof value}`)
}

/** The JSON of options for the core. */
export function coreJson({ seed, ...options }: Readonly<Record<string, unknown>>): string {
  const big = typeof seed === 'bigint'
  const json = JSON.stringify(coreValue(big ? options : { ...options, seed }, 'options'))
  // JSON.stringify refuses a bigint, although JSON itself can hold all of its digits.
  return big ? `${json.slice(0, -1)}${json.length > 2 ? ',' : ''}"seed":${seed}}` : json
}

/** What `console.log` prints for an object: its class and a few facts. */
export function shown(name: string, facts: object, options: InspectOptions): string {
  return `${name} ${inspectValue(facts, options)}`
}

