import * as z from 'zod'

/** The settings of a stage; an absent one leaves its part out of the deployment. */
export interface Settings {
  /** The sender, and the domain or address that SES verifies for it. */
  mail?: { from: string; identity: string; isDomain: boolean }
  /** The address under a custom domain. */
  apiUrl?: string
  /** Origins whose pages may call the API. */
  corsOrigins: string[]
  alarmEmail?: string
  /** The emulator that replaces AWS. */
  endpoint?: string
  /** The path of a module that adds rows to a rehearsal. */
  addition?: string
}

const secure = z.url({ protocol: /^https$/ })
const domain = z
  .string()
  .regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, 'must be an address (costs@example.com) or a domain (example.com)')

const Environment = z.object({
  MAIL_FROM: z.email().or(domain).optional(),
  API_URL: secure
    .regex(/[^/]$/, 'must not end with a slash')
    .regex(/^[^?#]*$/, 'must have neither query nor fragment')
    .optional(),
  CORS_ORIGINS: z
    .string()
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .pipe(
      z.array(
        secure.refine(
          (origin) => URL.canParse(origin) && new URL(origin).origin === origin,
          'must be origins such as https://app.example.com',
        ),
      ),
    )
    .default([]),
  ALARM_EMAIL: z.email().optional(),
  AWS_ENDPOINT_URL: z.url().optional(),
  ADDITIONAL_ROWS: z.string().optional(),
})

/** An empty variable counts as absent; the error names each invalid one. */
export function settings(env: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name in Environment.shape && value?.trim()),
  )
  const { success, data, error } = Environment.safeParse(given)
  if (!success)
    throw new Error(
      `This stage cannot be deployed: ${error.issues.map(({ path, message }) => `${String(path[0])} ${message}`).join('; ')}.`,
    )
  return {
    corsOrigins: data.CORS_ORIGINS,
    ...(data.MAIL_FROM && { mail: mailOf(data.MAIL_FROM) }),
    ...(data.API_URL && { apiUrl: data.API_URL }),
    ...(data.ALARM_EMAIL && { alarmEmail: data.ALARM_EMAIL }),
    ...(data.AWS_ENDPOINT_URL && { endpoint: data.AWS_ENDPOINT_URL }),
    ...(data.ADDITIONAL_ROWS && { addition: data.ADDITIONAL_ROWS }),
  }
}

function mailOf(sender: string): NonNullable<Settings['mail']> {
  const isDomain = !sender.includes('@')
  return { from: isDomain ? `no-reply@${sender}` : sender, identity: sender, isDomain }
}
