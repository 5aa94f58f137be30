import { awsFormats } from './aws/cur.ts'
import { azureFormats } from './azure/cost-details.ts'
import { focusFormats } from './focus/focus.ts'
import type { Format } from './format.ts'

/** Every kind of bill that can be imported. The order counts where `content` decides: it is asked from first to last. */
export const formats: readonly Format[] = [...focusFormats, ...awsFormats, ...azureFormats]
