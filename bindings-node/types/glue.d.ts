import { type InspectOptions } from 'node:util';
import native = require('../native.js');
import { ChurnError } from './errors.js';
import type { Cancellable, Moment, Progress, Reporting } from './types.js';
export { native };
export declare const INSPECT: unique symbol;
/** An error about one argument. */
export declare const invalid: (name: string, why: string, row?: number | null) => ChurnError;
/** Runs a native call; its error is a ChurnError. */
export declare function guard<T>(call: () => T): T;
/** Refuses arguments behind the last one, such as options in a second object, which would be ignored. */
export declare function noMore(given: number, wanted: number, call: string): void;
/** Every key of an options object; the compiler compares it with the type. */
export type Keys<T> = {
    readonly [K in keyof Required<T>]: 1;
};
export declare function keys<T>(known: Keys<T>): Keys<T>;
/** The known names near to one that is not known. */
export declare function near(name: string, known: readonly string[]): string[];
/** An options object without unknown keys. */
export declare function checked<T extends object>(options: T | null | undefined, known: Keys<T>, name?: string): T;
/** A text that UTF-8 can hold. */
export declare function text(value: unknown, name: string): string;
/** An id: a text, or a whole number, which becomes its text, as in records. */
export declare function id(value: unknown, name: string): string;
export declare function count(value: unknown, name: string): number;
export declare function pathOf(path: unknown): string;
export declare function bytesOf(bytes: unknown): Uint8Array;
/** Binds an object to its native half, whose memory V8 then takes into account. */
export declare function hold(owner: object, half: object): void;
/** The native half of an object. */
export declare function halfOf<T>(owner: object): T;
/** Frees the native half of an object before the garbage collector runs. Calls that are running finish. */
export declare function dispose(owner: object): void;
/** The native half of an argument, which must be of a class. */
export declare function argument<T>(value: unknown, type: {
    readonly name: string;
    readonly prototype: object;
}, name: string): T;
export declare function cached<T>(owner: object, name: string, make: () => T): T;
type Listener = (step: Progress) => void;
/**
 * Runs a long native call. The signal cancels it; an error in `onProgress` cancels it and is what the promise rejects with.
 * Progress is 1 exactly once, at the end, and never comes after the promise has settled.
 */
export declare function long<T>(options: Cancellable & Reporting, call: (cancel: InstanceType<typeof native.Cancel>, listener?: Listener) => Promise<T>): Promise<T>;
/** Calls `work` for slices of an array; the event loop runs between them. */
export declare function sliced<T>(rows: readonly T[], signal: AbortSignal | undefined | null, work: (slice: readonly T[]) => void): Promise<void>;
/** JSON of the core with its keys in JavaScript's spelling. */
export declare function camelCase<T>(value: unknown): T;
/** The JSON of options for the core. */
export declare function coreJson({ seed, ...options }: Readonly<Record<string, unknown>>): string;
/** What `console.log` shows of an object: its class and a few facts. */
export declare function shown(name: string, facts: object, options: InspectOptions): string;
/** A moment as the native module takes it. */
export type { Moment };
