// Functions that all modules of this folder use. They check arguments, hold native objects and make promises.
import { fileURLToPath } from 'node:url'
import { inspect as inspectValue, type InspectOptions } from 'node:util'
import native = require('../native.js')
import { ChurnError, declareOption, snake, translate } from './errors.js'
import type { Cancellable, Progress, Reporting } from './types.js'

export { native }

export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/** Makes an error about one argument. */
export const invalid = (name: string, why: string, row: number | null = null): ChurnError =>
  new ChurnError(`${name} ${why}`, { code: 'invalid_option', row, column: name })

/** Runs a native call. If the call throws an error, the error is converted to a ChurnError. */
export function guard<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw translate(error)
  }
}

/** Throws if a call has more arguments than the function takes, because JavaScript would ignore the extra arguments. */
export function noMore(given: number, wanted: number, call: string): void {
  if (given > wanted) {
    throw new ChurnError(`${call} takes ${wanted} argument${wanted === 1 ? '' : 's'}, and ${given} were given`, { code: 'invalid_option' })
  }
}

/** The keys of an options object. The compiler checks that these are exactly the keys of the type `T`. */
export type Keys<T> = { readonly [K in keyof Required<T>]: 1 }

export function keys<T>(known: Keys<T>): Keys<T> {
  for (const name of Object.keys(known)) declareOption(name)
  return known
}

/** Returns the Levenshtein distance of two names. */
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

/** Returns the known names that are similar to an unknown name: at most three, the most similar name first. */
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

/**
 * Throws if a value is a Map, a Set or a promise. The properties of such a value do not contain its content, so the
 * value would be read as an empty object.
 */
export function keyed(value: unknown, name: string): void {
  if (value instanceof Map || value instanceof Set) throw invalid(name, `must be an object, not a ${value instanceof Map ? 'Map' : 'Set'}`)
  if (typeof (value as Partial<Promise<unknown>> | null | undefined)?.then === 'function') throw invalid(name, 'must be an object, not a promise')
}

/** Options whose value is an object with keys that the caller chose. */
const CHOSEN_KEYS = ['monotoneConstraints', 'conversionRates', 'classWeight'] as const

/**
 * Options that contain other options. An error about a nested option names the outer option in `column`, as errors of
 * the Rust library do.
 */
const NESTED = new Set(['boosting', 'deepBoosting', 'forest', 'features'])

/** Checks that an options object has no unknown keys, and returns the object. */
export function checked<T extends object>(options: T | null | undefined, known: Keys<T>, name = 'options'): T {
  if (options === undefined || options === null) return {} as T
  if (typeof options !== 'object' || Array.isArray(options) || options instanceof Date || ArrayBuffer.isView(options)) {
    throw invalid(name, 'must be an object')
  }
  keyed(options, name)
  for (const key of CHOSEN_KEYS) keyed((options as Record<string, unknown>)[key], key)
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

/** Checks that a value is a string that UTF-8 can encode, and returns the string. */
export function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw invalid(name, 'must be a string')
  if (!value.isWellFormed()) throw invalid(name, 'is not well-formed: it holds a lone surrogate')
  return value
}

/** Converts an id to a string. An integer becomes its decimal text, like an integer in an id column of a table. */
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

/** The properties that a native object may have: its size in bytes, and a method that frees its memory. */
interface Releasable {
  readonly bytes?: number
  release?(): void
}

const natives = new WeakMap<object, { native: Releasable | null; bytes: number }>()
const registry = new FinalizationRegistry<number>((bytes) => native.adjustMemory(-bytes))

/** Binds a JavaScript object to its native object, and tells V8 how much memory the native object uses. */
export function hold(owner: object, half: object): void {
  const own: Releasable = half
  const bytes = own.bytes ?? 0
  natives.set(owner, { native: own, bytes })
  if (bytes > 0) {
    native.adjustMemory(bytes)
    registry.register(owner, bytes, owner)
  }
}

/** Returns the native object that belongs to a JavaScript object. Throws if the JavaScript object has been disposed. */
export function halfOf<T>(owner: object): T {
  const held = natives.get(owner)
  if (!held?.native) {
    const name = owner.constructor.name
    throw new ChurnError(`this ${name} has been disposed`, { code: 'invalid_option' })
  }
  return held.native as T
}

/**
 * Frees the native object of a JavaScript object, without waiting for the garbage collector. The memory is freed
 * after all running calls have finished.
 */
export function dispose(owner: object): void {
  const held = natives.get(owner)
  if (!held?.native) return
  held.native.release?.()
  held.native = null
  registry.unregister(owner)
  if (held.bytes > 0) native.adjustMemory(-held.bytes)
}

/** Returns the native object of an argument. Throws if the argument is not an object of the given class. */
export function argument<T>(value: unknown, type: { readonly name: string; readonly prototype: object }, name: string): T {
  if (typeof value === 'object' && value !== null && natives.has(value) && Object.prototype.isPrototypeOf.call(type.prototype, value)) {
    return halfOf<T>(value)
  }
  throw invalid(name, `must be a ${type.name}`)
}

/** For each object, the values that its getters returned, by name of the getter. Each value is computed only once. */
const cache = new WeakMap<object, Map<string, unknown>>()

export function cached<T>(owner: object, name: string, make: () => T): T {
  let values = cache.get(owner)
  if (!values) cache.set(owner, (values = new Map()))
  if (!values.has(name)) values.set(name, frozen(guard(make)))
  return values.get(name) as T
}

/** Freezes plain objects and arrays. A getter returns one object to all its callers, so no caller may change it. */
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
 * Runs a long native call. Aborting the signal cancels the call. If `onProgress` throws an error, the call is
 * cancelled, and the promise rejects with this error. The progress value 1 is reported exactly once, at the end. No
 * progress is reported after the promise has settled.
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

/** Returns a promise that resolves in the next turn of the event loop. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** The maximum time in milliseconds for which one slice of work should block the event loop. */
const SLICE = 5

/** Calls `work` with successive slices of an array. The event loop runs between two slices. */
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

/** Converts the keys of JSON from the Rust library to camelCase. */
export function camelCase<T>(value: unknown): T {
  if (Array.isArray(value)) return value.map(camelCase) as T
  if (value === null || typeof value !== 'object') return value as T
  const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [camel(key), camelCase(inner)])) as T
}

/** Options that are objects whose keys the caller chooses, such as column names. These keys are not renamed. */
const OWN_KEYS = new Set(['monotoneConstraints'])

/**
 * Converts the keys of options to their names in the Rust library, and moments (timestamps) to text. Throws for a value
 * that JSON would silently drop.
 */
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

/** Converts options to JSON for the Rust library. */
export function coreJson({ seed, ...options }: Readonly<Record<string, unknown>>): string {
  const big = typeof seed === 'bigint'
  const json = JSON.stringify(coreValue(big ? options : { ...options, seed }, 'options'))
  // JSON.stringify throws for a bigint, so the digits of a bigint seed are written here.
  return big ? `${json.slice(0, -1)}${json.length > 2 ? ',' : ''}"seed":${seed}}` : json
}

/** Makes the text that `console.log` prints for an object: the name of its class, and some of its properties. */
export function shown(name: string, facts: object, options: InspectOptions): string {
  return `${name} ${inspectValue(facts, options)}`
}

