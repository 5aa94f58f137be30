import * as z from 'zod'
import { change, command, parse } from '../guard/command.ts'
import { TimeZone } from '../kernel/calendar.ts'
import { Fault } from '../kernel/fault.ts'
import { Name } from '../kernel/name.ts'
import { Public, publicOf, Settings, store } from './policy.ts'

type Policy = z.input<typeof Settings>
type Parameters = z.output<typeof Parameters>

const Clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of the day, such as 19:00')
const tagKey = z.string().min(1).max(128)

/** Each template uses some of them. */
const Parameters = z.strictObject({
  timeZone: TimeZone.default('UTC'),
  stopAt: Clock.default('19:00'),
  startAt: Clock.default('07:00'),
  tagKey: tagKey.default('Schedule'),
  tagValue: z.string().min(1).max(256).default('office-hours'),
  days: z.int().min(1).max(3650).default(30),
})
type ParameterName = keyof Parameters

interface Kind {
  name: string
  description: string
  uses: readonly ParameterName[]
  /** Where it differs from the other templates. */
  defaults?: Partial<Parameters>
  policies(given: Parameters): Policy[]
}

const workdays = (clock: string) => `${Number(clock.slice(3))} ${Number(clock.slice(0, 2))} * * 1-5`
const daily = { rate: '1 day' }

/** Ready-made policies; each is disabled when it is made, so that somebody looks at its preview first. */
const kinds: Readonly<Record<string, Kind>> = {
  'off-hours': {
    name: 'Off-hours',
    description: 'Stops tagged instances on workdays in the evening, and starts them in the morning.',
    uses: ['timeZone', 'stopAt', 'startAt', 'tagKey', 'tagValue'],
    policies: ({ timeZone, stopAt, startAt, tagKey: key, tagValue }) => {
      const tagged = { field: `tags.${key}`, operator: '=', value: tagValue }
      const at = (clock: string) => ({
        type: 'schedule' as const,
        config: { cron: workdays(clock), timezone: timeZone },
      })
      const safetyControls = { requireApproval: false, maxResourcesPerExecution: 50 }
      return [
        {
          safetyControls,
          name: 'Off-hours: stop in the evening',
          trigger: at(stopAt),
          conditions: [tagged, { field: 'status', operator: '=', value: 'running' }],
          actions: [{ type: 'stop-instance' }],
        },
        {
          // A dry run could only come after the first stop, and would leave the instances off for a working day.
          safetyControls: { ...safetyControls, dryRunFirst: false },
          name: 'Off-hours: start in the morning',
          trigger: at(startAt),
          conditions: [tagged, { field: 'status', operator: '=', value: 'stopped' }],
          actions: [{ type: 'start-instance' }],
        },
      ]
    },
  },
  'unattached-disks': {
    name: 'Unattached disks',
    description: 'Backs up and deletes disks that nothing has used for some days.',
    uses: ['days'],
    policies: ({ days }) => [
      {
        name: 'Unattached disks',
        trigger: { type: 'schedule', config: daily },
        conditions: [
          { field: 'attached', operator: '=', value: false },
          { field: 'unattached_days', operator: '>=', value: days },
        ],
        actions: [{ type: 'delete-volume' }],
      },
    ],
  },
  'old-snapshots': {
    name: 'Old snapshots',
    description: 'Deletes snapshots that are old and of which a newer one exists. It cannot be undone.',
    uses: ['days'],
    defaults: { days: 180 },
    policies: ({ days }) => [
      {
        name: 'Old snapshots',
        trigger: { type: 'schedule', config: daily },
        conditions: [
          { field: 'age_days', operator: '>=', value: days },
          // The rules keep the newest snapshot of each disk, and those that another service manages.
          {
            field: 'recommendation.rule',
            operator: 'in',
            value: ['aws-snapshot-old', 'azure-snapshot-old', 'gcp-snapshot-old', 'aws-database-snapshot-old'],
          },
        ],
        actions: [{ type: 'delete-snapshot' }],
      },
    ],
  },
  'gp2-to-gp3': {
    name: 'gp2 to gp3',
    description:
      'Changes EBS volumes from gp2 to gp3 with the same performance: up to 170 GiB, and up to 1,000 GiB with ' +
      '250 MB/s.',
    uses: [],
    policies: () => {
      const gp2 = { field: 'type', operator: '=', value: 'gp2' }
      const trigger = { type: 'schedule' as const, config: daily }
      return [
        {
          name: 'gp2 to gp3, up to 170 GiB',
          trigger,
          conditions: [gp2, { field: 'size_gb', operator: '<=', value: 170 }],
          actions: [{ type: 'change-volume', config: { type: 'gp3' } }],
        },
        {
          name: 'gp2 to gp3, 171 to 1,000 GiB',
          trigger,
          conditions: [
            gp2,
            { field: 'size_gb', operator: '>', value: 170 },
            { field: 'size_gb', operator: '<=', value: 1000 },
          ],
          actions: [{ type: 'change-volume', config: { type: 'gp3', throughputMb: 250 } }],
        },
      ]
    },
  },
  untagged: {
    name: 'Untagged resources',
    description: 'Gives a tag to resources that lack it.',
    uses: ['tagKey', 'tagValue'],
    defaults: { tagKey: 'owner', tagValue: 'unknown' },
    policies: ({ tagKey: key, tagValue }) => [
      {
        name: `Resources without the tag ${key}`,
        trigger: { type: 'event', config: { event: 'resource.changed' } },
        conditions: [{ field: `tags.${key}`, operator: 'not_exists' }],
        actions: [{ type: 'set-tags', config: { tags: { [key]: tagValue } } }],
      },
    ],
  },
}

const Template = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  parameters: z.array(z.object({ name: z.string(), default: z.union([z.string(), z.number()]) })),
  policies: z.array(z.string()).describe('The names of the policies that it makes.'),
})

export const Templates = z.object({ templates: z.array(Template) })

const defaultsOf = ({ defaults = {} }: Kind): Parameters => Parameters.parse(defaults)

export const templates = command('policies.templates', z.strictObject({}), 'read:policies', async () => ({
  templates: Object.entries(kinds).map(([id, kind]): z.infer<typeof Template> => {
    const defaults = defaultsOf(kind)
    const parameters = kind.uses.map((name) => ({ name: snake(name), default: defaults[name] }))
    return {
      id,
      name: kind.name,
      description: kind.description,
      parameters,
      policies: kind.policies(defaults).map(({ name }) => name),
    }
  }),
}))

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const Choice = z.strictObject({
  id: z.string().min(1).max(64).describe("The template's id."),
  parameters: z.strictObject(Parameters.partial().shape).optional(),
  namePrefix: Name.max(100).optional().describe('Before the names of the policies.'),
  enabled: z.boolean().default(false),
})

export const CreatedFrom = z.object({ policyIds: z.array(z.string()), policies: z.array(Public) })

/** Throws Fault `not_found`. */
export const createFrom = change(
  'policies.create-from',
  Choice,
  'write:policies',
  async (ctx, input, note): Promise<z.infer<typeof CreatedFrom>> => {
    const kind = Object.hasOwn(kinds, input.id) ? kinds[input.id] : undefined
    if (!kind)
      throw new Fault(
        'not_found',
        `There is no template ${input.id}. The templates are ${Object.keys(kinds).join(', ')}.`,
      )
    const given = Object.fromEntries(Object.entries(input.parameters ?? {}).filter(([, value]) => value !== undefined))
    const policies = kind.policies({ ...defaultsOf(kind), ...given })
    const made = []
    for (const policy of policies) {
      const name = input.namePrefix === undefined ? policy.name : `${input.namePrefix} ${policy.name}`
      const settings = parse(Settings, { ...policy, name, description: kind.description, enabled: input.enabled })
      made.push(await store(ctx, ctx.newId('pol'), settings))
    }
    note({ resourceType: 'policy', after: { template: input.id, policies: made.map(({ id }) => id) } })
    return {
      policyIds: made.map(({ id }) => id),
      policies: await Promise.all(made.map((policy) => publicOf(ctx, policy))),
    }
  },
)
