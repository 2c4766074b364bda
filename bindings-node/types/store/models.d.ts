import { ChurnModel } from '../model.js';
import type { TrainReport } from '../reports.js';
import type { Moment } from '../types.js';
/**
 * The stage of a stored model. The `'champion'` is the model in use. A tenant has at most one champion. A
 * `'challenger'` is compared with the champion. A `'retired'` model is no longer used.
 */
export type Stage = 'champion' | 'challenger' | 'retired';
/** The metadata of a stored model. */
export interface StoredModel {
    id: string;
    stage: Stage;
    savedAt: string;
    card: {
        definition: unknown;
        features: string[];
        report: TrainReport;
        shared: boolean;
    };
}
/** Options of {@link ModelStore.save}. */
export interface SaveModelOptions {
    /** The time at which the model is saved. The caller passes it, because the store reads no clock. */
    at: Moment;
    /** The stage of the model. Default: `'champion'` (the model in use). */
    stage?: Stage;
}
/** The stored models of a tenant. */
export declare class ModelStore {
    #private;
    /**
     * Stores a model. If the model is already stored, its stage changes, and the time at which it was first stored is
     * kept. A new champion changes the stage of the previous champion to `'retired'`.
     */
    save(model: ChurnModel, options: SaveModelOptions): Promise<void>;
    /** Loads a stored model. Rejects with `not_found` if there is no such model. */
    load(modelId: string): Promise<ChurnModel>;
    /** Loads the champion (the model in use). Returns null if the tenant has no champion. */
    champion(): Promise<ChurnModel | null>;
    /** Returns the metadata of a stored model; null if there is no such model. */
    get(modelId: string): Promise<StoredModel | null>;
    /** Changes the stage of a model. A new champion changes the stage of the previous champion to `'retired'`. */
    promote(modelId: string, stage?: Stage): Promise<void>;
    /** Returns the metadata of all stored models, sorted by the time at which they were saved, newest first. */
    list(): Promise<StoredModel[]>;
    /** Deletes a model. Scores that were computed with the model are not deleted. */
    delete(modelId: string): Promise<void>;
}
