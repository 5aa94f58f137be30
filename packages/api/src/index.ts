export { createApp, type Host, routes } from './app.ts'
export { assets } from './docs.ts'
