import type { Moment } from '../types.js';
import type { PageOptions } from './records.js';
/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | {
    readonly [key: string]: Json;
};
/** The name and the settings of a tenant's company. */
export declare class CompanyStore {
    #private;
    /**
     * Returns the name of the company and all settings. The name is null if no name was set.
     */
    get(): Promise<{
        name: string | null;
        settings: Record<string, Json>;
    }>;
    /** Sets the name of the company. */
    rename(name: string): Promise<void>;
    /** Stores a setting. The value of the setting may be any JSON value. */
    set(setting: string, value: Json): Promise<void>;
    /** Removes a setting. Returns whether the setting existed. */
    unset(setting: string): Promise<boolean>;
}
/** The role of a user or an API key. The application decides what each role may do. */
export type Role = 'viewer' | 'analyst' | 'admin' | 'owner';
/** A stored user. */
export interface User {
    userId: string;
    email: string;
    name: string | null;
    role: Role;
}
/** A user to store. */
export interface UserInput {
    userId: string;
    email: string;
    name?: string | null;
    role: Role;
}
/** The users of a tenant. */
export declare class UserStore {
    #private;
    /**
     * Adds a user, or replaces the stored user with the same id. Rejects with `store_refused` if another user has the
     * same email address.
     */
    upsert(user: UserInput): Promise<void>;
    /** Returns the user with this id; null if there is no such user. */
    get(userId: string): Promise<User | null>;
    /** Returns the user with this email address; null if there is no such user. */
    byEmail(email: string): Promise<User | null>;
    /** Returns all users of the tenant. */
    list(): Promise<User[]>;
    /** Removes a user. Returns whether the user existed. */
    remove(userId: string): Promise<boolean>;
}
/** An API key without its secret. */
export interface ApiKey {
    keyId: string;
    role: Role;
    label: string | null;
    /** The names of the actions that the key is limited to. With null, the key may do everything that its role may do. */
    scopes: string[] | null;
    createdAt: string;
    expiresAt: string | null;
    usedAt: string | null;
    revokedAt: string | null;
}
/** Options with the current time. The caller passes the time, because the store reads no clock. */
export interface AtOptions {
    at: Moment;
}
/** Options of {@link ApiKeyStore.create}. */
export interface CreateKeyOptions extends AtOptions {
    role: Role;
}
/** Options of {@link ApiKeyStore.issue}. */
export interface IssueKeyOptions extends CreateKeyOptions {
    /** A name for the key, which the application shows to users. */
    label?: string | null;
    /**
     * The names of the actions that the key is limited to. The application chooses these names. Default: everything that
     * the role may do.
     */
    scopes?: readonly string[] | null;
    /** When the key expires. Default: never. */
    expiresAt?: Moment | null;
}
/** The API keys of a tenant. */
export declare class ApiKeyStore {
    #private;
    /**
     * Adds an API key. `secret` must contain at least 24 random bytes. Only a hash of the secret is stored. The hash does
     * not protect a secret that can be guessed, so do not use a password as the secret.
     */
    create(keyId: string, secret: string, options: CreateKeyOptions): Promise<void>;
    /**
     * Adds a key and returns the text with which a program authenticates: `churn_<tenant>_<key id>_<secret>`, with the
     * tenant's id in base32. {@link Store.authenticate} finds the tenant by this text. The secret must consist of at
     * least 24 letters and digits, generated from at least 16 random bytes. Show the text to the user only once, because
     * only a hash of the secret is stored.
     */
    issue(keyId: string, secret: string, options: IssueKeyOptions): Promise<string>;
    /**
     * Returns the key with this secret. Returns null if there is no such key, or if the key was revoked. This method does
     * not check whether the key has expired.
     */
    verify(secret: string): Promise<ApiKey | null>;
    /** Returns all keys of the tenant, including revoked keys. */
    list(): Promise<ApiKey[]>;
    /** Revokes a key. */
    revoke(keyId: string, options: AtOptions): Promise<void>;
}
/** A sync cursor: the position up to which a data source has been read. */
export interface SyncCursor {
    source: string;
    position: string;
    movedAt: string;
}
/** The sync cursors of a tenant (for each data source, the position up to which it has been read). */
export declare class CursorStore {
    #private;
    /** Returns the sync cursor of a data source; null if no cursor was set. */
    get(source: string): Promise<SyncCursor | null>;
    /** Sets the sync cursor of a data source. The application chooses the format of `position`. */
    set(source: string, position: string, options: AtOptions): Promise<void>;
}
/** A stored entry of the audit log. */
export interface AuditEntry {
    at: string;
    actor: string;
    action: string;
    subject: string | null;
    details: Json;
}
/** An entry to add to the audit log. */
export interface AuditInput {
    at: Moment;
    actor: string;
    action: string;
    subject?: string | null;
    details?: Json;
}
/** Options of {@link AuditStore.query}. */
export interface AuditQuery {
    /** Selects entries with this actor. */
    actor?: string | null;
    /** Selects entries with this action. */
    action?: string | null;
    /** Selects entries with this subject. */
    subject?: string | null;
    /** Selects entries at or after this time. */
    since?: Moment | null;
    /** Selects entries before this time. */
    until?: Moment | null;
    /** Whether the newest entries come first. Default: true. */
    newestFirst?: boolean;
    /** The value of `next` of the previous page. Without this option, the first page is read. */
    after?: number | null;
    /** Maximum number of entries, 1 to 10 000. Default: 100. */
    limit?: number;
}
/** The audit log of a tenant. Entries can be added, but not changed. */
export declare class AuditStore {
    #private;
    /** Adds an entry to the audit log. */
    append(entry: AuditInput): Promise<void>;
    /** Returns a page of entries, oldest first. To get the next page, pass `next` as `after`. */
    page(options?: PageOptions): Promise<{
        entries: AuditEntry[];
        next: number | null;
    }>;
    /** Returns a page of the entries that match the options. To get the next page, pass `next` as `after`. */
    query(options?: AuditQuery): Promise<{
        entries: AuditEntry[];
        next: number | null;
    }>;
}
