// A tenant's account data in a store: name, settings, users, API keys, sync cursors and the audit log.
import { checked, keys, native, text } from '../glue.js'
import type { Moment } from '../types.js'
import { called, camel, json, parsed } from './calls.js'
import { PAGE_OPTIONS } from './records.js'
import type { PageOptions } from './records.js'

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The name and the settings of a tenant's company. */
export class CompanyStore {
  readonly #native: InstanceType<typeof native.NativeCompany>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeCompany>) { this.#native = own }

  /**
   * Returns the name of the company and all settings. The name is null if no name was set.
   */
  async get(): Promise<{ name: string | null; settings: Record<string, Json> }> { return parsed(() => this.#native.get()) }
  /** Sets the name of the company. */
  async rename(name: string): Promise<void> { await called(async () => this.#native.rename(text(name, 'name'))) }

  /** Stores a setting. The value of the setting may be any JSON value. */
  async set(setting: string, value: Json): Promise<void> {
    await called(async () => this.#native.set(text(setting, 'setting'), json(value, 'value')))
  }

  /** Removes a setting. Returns whether the setting existed. */
  async unset(setting: string): Promise<boolean> { return called(async () => this.#native.unset(text(setting, 'setting'))) }
}

/** The role of a user or an API key. The application decides what each role may do. */
export type Role = 'viewer' | 'analyst' | 'admin' | 'owner'

/** A stored user. */
export interface User {
  userId: string
  email: string
  name: string | null
  role: Role
}

/** A user to store. */
export interface UserInput {
  userId: string
  email: string
  name?: string | null
  role: Role
}

const USER_KEYS = { userId: 1, email: 1, name: 1, role: 1 } as const

/** The users of a tenant. */
export class UserStore {
  readonly #native: InstanceType<typeof native.NativeUsers>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeUsers>) { this.#native = own }

  /**
   * Adds a user, or replaces the stored user with the same id. Rejects with `store_refused` if another user has the
   * same email address.
   */
  async upsert(user: UserInput): Promise<void> {
    const given = checked(user, USER_KEYS, 'user')
    await called(async () => this.#native.upsert(given))
  }

  /** Returns the user with this id; null if there is no such user. */
  async get(userId: string): Promise<User | null> { return camel(async () => this.#native.get(text(userId, 'userId'))) }
  /** Returns the user with this email address; null if there is no such user. */
  async byEmail(email: string): Promise<User | null> { return camel(async () => this.#native.byEmail(text(email, 'email'))) }
  /** Returns all users of the tenant. */
  async list(): Promise<User[]> { return camel(() => this.#native.list()) }
  /** Removes a user. Returns whether the user existed. */
  async remove(userId: string): Promise<boolean> { return called(async () => this.#native.remove(text(userId, 'userId'))) }
}

/** An API key without its secret. */
export interface ApiKey {
  keyId: string
  role: Role
  label: string | null
  /** The names of the actions that the key is limited to. With null, the key may do everything that its role may do. */
  scopes: string[] | null
  createdAt: string
  expiresAt: string | null
  usedAt: string | null
  revokedAt: string | null
}

/** Options with the current time. The caller passes the time, because the store reads no clock. */
export interface AtOptions {
  at: Moment
}

/** @internal */
export const AT_OPTIONS = { at: 1 } as const

/** Options of {@link ApiKeyStore.create}. */
export interface CreateKeyOptions extends AtOptions {
  role: Role
}

/** Options of {@link ApiKeyStore.issue}. */
export interface IssueKeyOptions extends CreateKeyOptions {
  /** A name for the key, which the application shows to users. */
  label?: string | null
  /**
   * The names of the actions that the key is limited to. The application chooses these names. Default: everything that
   * the role may do.
   */
  scopes?: readonly string[] | null
  /** When the key expires. Default: never. */
  expiresAt?: Moment | null
}

const ISSUE_OPTIONS = keys<IssueKeyOptions>({ at: 1, role: 1, label: 1, scopes: 1, expiresAt: 1 })

/** The API keys of a tenant. */
export class ApiKeyStore {
  readonly #native: InstanceType<typeof native.NativeApiKeys>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeApiKeys>) { this.#native = own }

  /**
   * Adds an API key. `secret` must contain at least 24 random bytes. Only a hash of the secret is stored. The hash does
   * not protect a secret that can be guessed, so do not use a password as the secret.
   */
  async create(keyId: string, secret: string, options: CreateKeyOptions): Promise<void> {
    const given = checked(options, { role: 1, at: 1 })
    await called(async () => this.#native.create(text(keyId, 'keyId'), text(secret, 'secret'), given))
  }

  /**
   * Adds a key and returns the text with which a program authenticates: `churn_<tenant>_<key id>_<secret>`, with the
   * tenant's id in base32. {@link Store.authenticate} finds the tenant by this text. The secret must consist of at
   * least 24 letters and digits, generated from at least 16 random bytes. Show the text to the user only once, because
   * only a hash of the secret is stored.
   */
  async issue(keyId: string, secret: string, options: IssueKeyOptions): Promise<string> {
    const given = checked(options, ISSUE_OPTIONS)
    return called(async () => this.#native.issue(text(keyId, 'keyId'), text(secret, 'secret'), given))
  }

  /**
   * Returns the key with this secret. Returns null if there is no such key, or if the key was revoked. This method does
   * not check whether the key has expired.
   */
  async verify(secret: string): Promise<ApiKey | null> { return camel(async () => this.#native.verify(text(secret, 'secret'))) }
  /** Returns all keys of the tenant, including revoked keys. */
  async list(): Promise<ApiKey[]> { return camel(() => this.#native.list()) }

  /** Revokes a key. */
  async revoke(keyId: string, options: AtOptions): Promise<void> {
    const given = checked(options, AT_OPTIONS)
    await called(async () => this.#native.revoke(text(keyId, 'keyId'), given))
  }
}

/** A sync cursor: the position up to which a data source has been read. */
export interface SyncCursor {
  source: string
  position: string
  movedAt: string
}

/** The sync cursors of a tenant (for each data source, the position up to which it has been read). */
export class CursorStore {
  readonly #native: InstanceType<typeof native.NativeCursors>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeCursors>) { this.#native = own }

  /** Returns the sync cursor of a data source; null if no cursor was set. */
  async get(source: string): Promise<SyncCursor | null> { return camel(async () => this.#native.get(text(source, 'source'))) }

  /** Sets the sync cursor of a data source. The application chooses the format of `position`. */
  async set(source: string, position: string, options: AtOptions): Promise<void> {
    const given = checked(options, AT_OPTIONS)
    await called(async () => this.#native.set(text(source, 'source'), text(position, 'position'), given))
  }
}

/** A stored entry of the audit log. */
export interface AuditEntry {
  at: string
  actor: string
  action: string
  subject: string | null
  details: Json
}

/** An entry to add to the audit log. */
export interface AuditInput {
  at: Moment
  actor: string
  action: string
  subject?: string | null
  details?: Json
}

const AUDIT_KEYS = { at: 1, actor: 1, action: 1, subject: 1, details: 1 } as const

/** Options of {@link AuditStore.query}. */
export interface AuditQuery {
  /** Selects entries with this actor. */
  actor?: string | null
  /** Selects entries with this action. */
  action?: string | null
  /** Selects entries with this subject. */
  subject?: string | null
  /** Selects entries at or after this time. */
  since?: Moment | null
  /** Selects entries before this time. */
  until?: Moment | null
  /** Whether the newest entries come first. Default: true. */
  newestFirst?: boolean
  /** The value of `next` of the previous page. Without this option, the first page is read. */
  after?: number | null
  /** Maximum number of entries, 1 to 10 000. Default: 100. */
  limit?: number
}

const AUDIT_QUERY = keys<AuditQuery>({ actor: 1, action: 1, subject: 1, since: 1, until: 1, newestFirst: 1, after: 1, limit: 1 })

/** The audit log of a tenant. Entries can be added, but not changed. */
export class AuditStore {
  readonly #native: InstanceType<typeof native.NativeAudit>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeAudit>) { this.#native = own }

  /** Adds an entry to the audit log. */
  async append(entry: AuditInput): Promise<void> {
    const { details = null, ...given } = checked(entry, AUDIT_KEYS, 'entry')
    await called(async () => this.#native.append(given, json(details, 'details')))
  }

  /** Returns a page of entries, oldest first. To get the next page, pass `next` as `after`. */
  async page(options?: PageOptions): Promise<{ entries: AuditEntry[]; next: number | null }> {
    const given = checked(options, PAGE_OPTIONS)
    return parsed(() => this.#native.page(given))
  }

  /** Returns a page of the entries that match the options. To get the next page, pass `next` as `after`. */
  async query(options?: AuditQuery): Promise<{ entries: AuditEntry[]; next: number | null }> {
    const given = checked(options, AUDIT_QUERY)
    return parsed(async () => this.#native.query(given))
  }
}
