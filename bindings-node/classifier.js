'use strict'
// The glue of the classifier of flat tables: labels and groups as codes, promises. No churn logic here.

const FIT_OPTIONS = [
  'sampleWeight', 'groups', 'classWeight', 'monotoneConstraints', 'leakage', 'allowColumns', 'seed', 'threads', 'signal', 'onProgress',
]
const RUN_OPTIONS = ['threads', 'signal']
/** What the core calls arguments of `fit`, and what they are called here. */
const NAMES = { labels: 'y', sample_weight: 'sampleWeight', class_weight: 'classWeight' }

/** The class of fitted classifiers, made of what index.js has. */
module.exports = function classifier(own) {
  const { native, INNER, INSPECT, ChurnError, camelCase, checked, count, guard, long, nested, pathOf, shown } = own
  const wrong = (column, why, row = null) => new ChurnError(`${column} ${why}`, { code: 'invalid_option', row, column })

  /** The values of an array, typed or not. */
  function listed(values, name, what) {
    if (Array.isArray(values)) return values
    if (ArrayBuffer.isView(values) && !(values instanceof DataView)) return Array.from(values)
    throw wrong(name, `must be an array of ${what}, one for each row`)
  }

  const missing = (value) => value === undefined || value === null || Number.isNaN(value)

  /** The labels in order, and the code of each row's. */
  function coded(y) {
    const labels = listed(y, 'y', 'labels')
    const sort = typeof labels[0]
    for (let row = 0; row < labels.length; row++) {
      if (missing(labels[row])) throw wrong('y', `must have a label in each row, and that of row ${row} is missing`, row)
      const kind = typeof labels[row]
      if (!['boolean', 'number', 'string'].includes(kind)) throw wrong('y', `must hold texts, numbers or booleans, and row ${row} is none`, row)
      if (kind !== sort) throw wrong('y', `must hold labels of one sort, and row ${row} is a ${kind} among ${sort}s`, row)
    }
    const classes = [...new Set(labels)]
    if (sort === 'string') classes.sort()
    else classes.sort((a, b) => a - b)
    const codes = new Map(classes.map((label, code) => [label, code]))
    return { classes, codes: Uint32Array.from(labels, (label) => codes.get(label)) }
  }

  /** A code for each row's group. */
  function crossValidated(groups) {
    if (groups === undefined || groups === null) return undefined
    const codes = new Map()
    return Uint32Array.from(listed(groups, 'groups', 'texts or numbers'), (group, row) => {
      if (missing(group)) throw wrong('groups', `must have one in each row, and that of row ${row} is missing`, row)
      if (!['bigint', 'boolean', 'number', 'string'].includes(typeof group)) {
        throw wrong('groups', `must be texts or numbers, and that of row ${row} is none`, row)
      }
      if (!codes.has(group)) codes.set(group, codes.size)
      return codes.get(group)
    })
  }

  function weights(given, name) {
    if (given === undefined || given === null) return undefined
    return Float64Array.from(listed(given, name, 'numbers'), (weight, row) => {
      if (typeof weight !== 'number') throw wrong(name, `must be numbers, and that of row ${row} is none`, row)
      return weight
    })
  }

  /** What the native half takes as a table. */
  function table(x) {
    if (Array.isArray(x) || x instanceof Uint8Array) return { x }
    throw wrong('x', 'must be an array of objects, or a Buffer with an Arrow IPC file or stream')
  }

  const isEmpty = (x) => Array.isArray(x) && x.length === 0

  class ChurnClassifier {
    constructor(model, classes) {
      if (!(model instanceof native.Classifier)) {
        throw new ChurnError('use ChurnClassifier.fit, ChurnClassifier.load or ChurnClassifier.fromBytes', { code: 'invalid_option' })
      }
      const labels = classes === undefined ? Array.from({ length: model.classes }, (_, code) => code) : classes
      if (!Array.isArray(labels) || labels.length !== model.classes || new Set(labels).size !== labels.length) {
        throw wrong('classes', `must be ${model.classes} labels, in the order of 'classes' of the fitted classifier`)
      }
      Object.defineProperty(this, INNER, { value: model })
      this.classes = Object.freeze([...labels])
    }

    static async fit(x, y, options) {
      const { sampleWeight, groups, classWeight, ...given } = nested(checked(options, FIT_OPTIONS))
      const { classes, codes } = coded(y)
      const source = { ...table(x), classes: codes, groups: crossValidated(groups), weights: weights(sampleWeight, 'sampleWeight') }
      if (typeof classWeight === 'string') given.classWeight = classWeight
      else source.classWeights = weights(classWeight, 'classWeight')
      try {
        const model = await long(given, (cancel, listener) => native.fitClassifier(source, given, cancel, listener))
        return new ChurnClassifier(model, classes)
      } catch (error) {
        if (error?.code === 'invalid_option' && Object.hasOwn(NAMES, error.column)) error.column = NAMES[error.column]
        throw error
      }
    }

    static fromBytes(bytes, options) {
      if (!(bytes instanceof Uint8Array)) throw wrong('bytes', 'must be a Buffer or Uint8Array')
      const { classes } = checked(options, ['classes'])
      return guard(() => new ChurnClassifier(native.Classifier.fromBytes(bytes), classes))
    }

    static async load(path, options) {
      const { classes } = checked(options, ['classes'])
      return new ChurnClassifier(await long({}, () => native.loadClassifier(pathOf(path))), classes)
    }

    async save(path) {
      await long({}, () => this[INNER].save(pathOf(path)))
    }

    toBytes() {
      return guard(() => this[INNER].toBytes())
    }

    get id() { return this[INNER].id }
    get featureNames() { return this[INNER].featureNames }
    get report() { return camelCase(JSON.parse(this[INNER].report)) }

    async predictProba(x, options) {
      const given = checked(options, RUN_OPTIONS)
      if (isEmpty(x)) return new Float64Array(0)
      return long(given, (cancel) => this[INNER].predictProba(table(x), given, cancel))
    }

    async predict(x, options) {
      const probabilities = await this.predictProba(x, options)
      const width = this.classes.length
      return Array.from({ length: probabilities.length / width }, (_, row) => {
        const own = probabilities.subarray(row * width, (row + 1) * width)
        return this.classes[own.indexOf(Math.max(...own))]
      })
    }

    async predictInterval(x, options) {
      const given = checked(options, RUN_OPTIONS)
      return long(given, (cancel) => this[INNER].predictInterval(table(x), given, cancel))
    }

    async explain(x, options) {
      const given = checked(options, RUN_OPTIONS)
      return long(given, (cancel) => this[INNER].explain(table(x), given, cancel))
    }

    async reasons(x, options) {
      const { top = 5, ...given } = checked(options, ['top', ...RUN_OPTIONS])
      return long(given, (cancel) => this[INNER].reasons(table(x), count(top), given, cancel))
    }

    [INSPECT](depth, options, inspect) {
      return shown('ChurnClassifier', { id: this.id, classes: this.classes, features: this.featureNames.length }, inspect, options)
    }
  }

  return { ChurnClassifier }
}
