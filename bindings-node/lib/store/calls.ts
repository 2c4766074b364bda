// Calls of the native store.
import { translate } from '../errors.js'
import { camelCase, invalid, keyed } from '../glue.js'

/** Waits for a native call. If the call fails, its error is converted to a ChurnError. */
export async function called<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw translate(error)
  }
}

/** Waits for a native call that returns JSON, and parses the JSON. */
export const parsed = async <T>(call: () => Promise<string>): Promise<T> => JSON.parse(await called(call))

/** Waits for a native call that returns JSON, parses the JSON, and converts its keys to camelCase. */
export const camel = async <T>(call: () => Promise<string>): Promise<T> => camelCase(await parsed(call))

export function json(value: unknown, name: string): string {
  // JSON.stringify would write null for NaN, and {} for a Map, without an error.
  const written = JSON.stringify(value, (_, inner: unknown) => {
    keyed(inner, name)
    if (typeof inner === 'bigint' || (typeof inner === 'number' && !Number.isFinite(inner))) throw invalid(name, `holds ${inner}, which JSON cannot hold`)
    return inner
  })
  if (written === undefined) throw invalid(name, 'must be a value that JSON can hold')
  return written
}
