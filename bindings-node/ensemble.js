'use strict'
// The glue of imported trees: paths and content, matrices, promises. No churn logic here.

const SHAPE = ['rows', 'columns', 'threads', 'signal']

/** The class of imported trees, made of what index.js has. */
module.exports = function ensemble({ native, INNER, INSPECT, ChurnError, checked, guard, long, shown }) {
  const wrong = (column, why, code = 'invalid_option') => new ChurnError(`${column} ${why}`, { code, column })

  /** A path as text, content as bytes. */
  function given(model, name, isContent) {
    if (model instanceof Uint8Array) return model
    if (model instanceof URL && model.protocol === 'file:') return require('node:url').fileURLToPath(model)
    if (typeof model === 'string') return isContent(model) ? Buffer.from(model) : model
    throw wrong(name, 'must be a path, a file URL, or the model itself')
  }

  function whole(value, name) {
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value
    throw wrong(name, 'must be a whole number, not negative')
  }

  const mismatch = (found, wanted) => wrong('x', `has ${found} columns, but the ensemble wants ${wanted}`, 'feature_mismatch')

  /** Rows that are arrays, as one array; what is missing is NaN. */
  function flat(rows, columns) {
    const cells = new Float64Array(rows.length * columns)
    rows.forEach((row, at) => {
      if (!Array.isArray(row) && !(row instanceof Float64Array) && !(row instanceof Float32Array)) {
        throw wrong('x', 'must be a Float64Array, a Float32Array, or an array of rows')
      }
      if (row.length !== columns) throw mismatch(row.length, columns)
      for (let column = 0; column < columns; column++) {
        const cell = row[column] ?? NaN
        if (typeof cell !== 'number') throw new ChurnError(`column ${column} of row ${at} is not a number`, { code: 'invalid_option', row: at, column: 'x' })
        cells[at * columns + column] = cell
      }
    })
    return cells
  }

  /** Cells row after row, how many rows, and the other options. */
  function matrix(x, shape, columns) {
    const options = checked(typeof shape === 'number' ? { columns: shape } : shape, SHAPE)
    if (options.columns !== undefined && whole(options.columns, 'columns') !== columns) throw mismatch(options.columns, columns)
    const cells = Array.isArray(x) ? flat(x, columns) : x
    if (!(cells instanceof Float64Array) && !(cells instanceof Float32Array)) {
      throw wrong('x', 'must be a Float64Array, a Float32Array, or an array of rows')
    }
    const counted = Array.isArray(x) ? x.length : columns === 0 ? 0 : cells.length / columns
    const rows = options.rows === undefined ? counted : whole(options.rows, 'rows')
    if (!Number.isInteger(rows) || rows * columns !== cells.length) {
      const asked = options.rows === undefined ? 'whole rows' : `${rows} rows`
      throw wrong('x', `has ${cells.length} cells, which are not ${asked} of ${columns} columns`, 'feature_mismatch')
    }
    return { cells, rows, options }
  }

  class TreeEnsemble {
    constructor(trees) {
      if (!(trees instanceof native.Trees)) {
        throw new ChurnError('use TreeEnsemble.fromXgboost, TreeEnsemble.fromLightgbm or TreeEnsemble.fromBytes', { code: 'invalid_option' })
      }
      Object.defineProperty(this, INNER, { value: trees })
    }

    static fromXgboost(model) {
      const json = given(model, 'model', (text) => text.trimStart().startsWith('{'))
      return guard(() => new TreeEnsemble(native.Trees.fromXgboost(json)))
    }

    static fromLightgbm(model) {
      // A path has one line.
      const text = given(model, 'model', (text) => text.includes('\n'))
      return guard(() => new TreeEnsemble(native.Trees.fromLightgbm(text)))
    }

    static fromBytes(bytes) {
      if (!(bytes instanceof Uint8Array)) throw wrong('bytes', 'must be a Buffer or Uint8Array')
      return guard(() => new TreeEnsemble(native.Trees.fromBytes(bytes)))
    }

    toBytes() {
      return guard(() => this[INNER].toBytes())
    }

    get trees() { return this[INNER].trees }
    get columns() { return this[INNER].columns }
    get link() { return this[INNER].link }

    async predictProba(x, shape) {
      const { cells, rows, options } = matrix(x, shape, this.columns)
      return long(options, (cancel) => this[INNER].predictProba(cells, rows, options, cancel))
    }

    async explain(x, shape) {
      const { cells, rows, options } = matrix(x, shape, this.columns)
      return long(options, (cancel) => this[INNER].explain(cells, rows, options, cancel))
    }

    [INSPECT](depth, options, inspect) {
      return shown('TreeEnsemble', { trees: this.trees, columns: this.columns, link: this.link }, inspect, options)
    }
  }

  return { TreeEnsemble }
}
