// The models of a tenant in a store.
import { checked, keys, native, text } from '../glue.js'
import { ChurnModel, modelOf, wrapModel } from '../model.js'
import type { TrainReport } from '../reports.js'
import type { Moment } from '../types.js'
import { called, camel } from './calls.js'

/**
 * The stage of a stored model. The `'champion'` is the model in use. A tenant has at most one champion. A
 * `'challenger'` is compared with the champion. A `'retired'` model is no longer used.
 */
export type Stage = 'champion' | 'challenger' | 'retired'

/** The metadata of a stored model. */
export interface StoredModel {
  id: string
  stage: Stage
  savedAt: string
  card: { definition: unknown; features: string[]; report: TrainReport; shared: boolean }
}

/** Options of {@link ModelStore.save}. */
export interface SaveModelOptions {
  /** The time at which the model is saved. The caller passes it, because the store reads no clock. */
  at: Moment
  /** The stage of the model. Default: `'champion'` (the model in use). */
  stage?: Stage
}

const SAVE_MODEL_OPTIONS = keys<SaveModelOptions>({ at: 1, stage: 1 })

/** The stored models of a tenant. */
export class ModelStore {
  readonly #native: InstanceType<typeof native.NativeModels>

  /** @internal */
  constructor(own: InstanceType<typeof native.NativeModels>) { this.#native = own }

  /**
   * Stores a model. If the model is already stored, its stage changes, and the time at which it was first stored is
   * kept. A new champion changes the stage of the previous champion to `'retired'`.
   */
  async save(model: ChurnModel, options: SaveModelOptions): Promise<void> {
    const given = checked(options, SAVE_MODEL_OPTIONS)
    await called(async () => this.#native.save(modelOf(model), given))
  }

  /** Loads a stored model. Rejects with `not_found` if there is no such model. */
  async load(modelId: string): Promise<ChurnModel> {
    return wrapModel(await called(async () => this.#native.load(text(modelId, 'modelId'))))
  }

  /** Loads the champion (the model in use). Returns null if the tenant has no champion. */
  async champion(): Promise<ChurnModel | null> {
    const model = await called(() => this.#native.champion())
    return model ? wrapModel(model) : null
  }

  /** Returns the metadata of a stored model; null if there is no such model. */
  async get(modelId: string): Promise<StoredModel | null> { return camel(async () => this.#native.get(text(modelId, 'modelId'))) }

  /** Changes the stage of a model. A new champion changes the stage of the previous champion to `'retired'`. */
  async promote(modelId: string, stage: Stage = 'champion'): Promise<void> {
    await called(async () => this.#native.promote(text(modelId, 'modelId'), text(stage, 'stage')))
  }

  /** Returns the metadata of all stored models, sorted by the time at which they were saved, newest first. */
  async list(): Promise<StoredModel[]> { return camel(() => this.#native.list()) }

  /** Deletes a model. Scores that were computed with the model are not deleted. */
  async delete(modelId: string): Promise<void> { await called(async () => this.#native.delete(text(modelId, 'modelId'))) }
}
