export { createApp, type Host, routes } from './app.ts'
