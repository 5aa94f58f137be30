import { setTier } from './host.ts'

/** Sets the tier of an organization, for the operator: `{"organization": "org_...", "tier": "pro"}`. */
export const handler = setTier()
