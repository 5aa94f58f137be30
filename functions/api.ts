import { http } from './host.ts'

/** Every operation that needs no lake. */
export const handler = http()
