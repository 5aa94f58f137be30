import * as z from 'zod'

const secure = z.url({ protocol: /^https$/ })
const domain = z
  .string()
  .regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, 'must be an address (costs@example.com) or a domain (example.com)')

const origins = z.array(
  secure.refine(
    (origin) => URL.canParse(origin) && new URL(origin).origin === origin,
    'must be origins such as https://app.example.com',
  ),
)

const Environment = z.object({
  /** The sender, with the domain or address that SES verifies for it. */
  MAIL_FROM: z
    .email()
    .or(domain)
    .transform((identity) => {
      const isDomain = !identity.includes('@')
      return { identity, isDomain, from: isDomain ? `no-reply@${identity}` : identity }
    })
    .optional(),
  API_URL: secure
    .regex(/[^/]$/, 'must not end with a slash')
    .regex(/^[^?#]*$/, 'must have neither query nor fragment')
    .optional(),
  CORS_ORIGINS: z
    .string()
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .pipe(origins)
    .default([]),
  ALARM_EMAIL: z.email().optional(),
  /** How long nobody can delete an anchor of the audit log. */
  AUDIT_ANCHOR_DAYS: z.coerce.number().int().min(1).max(36_500).default(365),
  /** An existing table that the function may write. */
  TIMESTREAM_TABLE: z
    .string()
    .regex(/^[\w.-]{3,64}\/[\w.-]{3,256}$/, 'must be a table of Timestream: database/table')
    .optional(),
  AWS_ENDPOINT_URL: z.url().optional(),
  CUSTOMER_ENDPOINT_URL: z.url().optional(),
  ADDITIONAL_ROWS: z.string().optional(),
})

/** An empty variable counts as absent; the error names each invalid one. */
export function settings(env: NodeJS.ProcessEnv = process.env) {
  const given = Object.entries(env).filter(([name, value]) => name in Environment.shape && value?.trim())
  const { success, data, error } = Environment.safeParse(Object.fromEntries(given))
  if (!success)
    throw new Error(
      `This stage cannot be deployed: ${error.issues.map(({ path, message }) => `${String(path[0])} ${message}`).join('; ')}.`,
    )
  return {
    mail: data.MAIL_FROM,
    apiUrl: data.API_URL,
    corsOrigins: data.CORS_ORIGINS,
    alarmEmail: data.ALARM_EMAIL,
    anchorDays: data.AUDIT_ANCHOR_DAYS,
    timestreamTable: data.TIMESTREAM_TABLE,
    endpoint: data.AWS_ENDPOINT_URL,
    customerEndpoint: data.CUSTOMER_ENDPOINT_URL ?? data.AWS_ENDPOINT_URL,
    addition: data.ADDITIONAL_ROWS,
  }
}
