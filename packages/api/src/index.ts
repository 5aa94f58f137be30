export { createApp } from './app.ts'
export { assets } from './docs.ts'
export type { Host } from './host.ts'
export { routes } from './routes.ts'
