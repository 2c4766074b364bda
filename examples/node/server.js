import { backend } from './backend.js'

const app = await backend({ logger: true, database: process.env.DATABASE_URL ?? 'sqlite:churn.db' })
await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
