import { wired } from '../../functions/host.ts'
import { demonstration } from './wiring.ts'

/** The function of a row of the demonstration. The functions of the product do not contain it. */
export const handler = wired(demonstration)
