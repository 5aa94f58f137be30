import { awsFormats } from './aws/cur.ts'
import { azureFormats } from './azure/cost-details.ts'
import { focusFormats } from './focus/focus.ts'
import type { Format } from './format.ts'
import { gcpFormats } from './gcp/export.ts'

export const formats: readonly Format[] = [...focusFormats, ...awsFormats, ...azureFormats, ...gcpFormats]
