import type { TableName } from './columns.js';
export declare const isArrow: (value: unknown) => boolean;
/** A table as the bytes of an Arrow IPC stream; other values as they are. */
export declare function toBytes(value: unknown, name: string): unknown;
/** Tables with every `Table` as bytes. */
export declare function arrowTables(tables: object, names: readonly TableName[]): object;
