export * from './types/index.js'
export * as default from './types/index.js'
