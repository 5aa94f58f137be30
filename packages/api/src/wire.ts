import * as z from 'zod'

type Schema = z.core.$ZodType
type Encoder = (value: unknown) => unknown

/** `startDate` becomes `start_date`. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

const wrappers = [z.ZodOptional, z.ZodNullable, z.ZodDefault, z.ZodPrefault] as const

/** Unwraps optional, nullable and default. */
export function bare(schema: Schema): Schema {
  const wrapper = wrappers.find((each) => schema instanceof each)
  return wrapper && schema instanceof wrapper ? bare(schema.unwrap()) : schema
}

export function encoder(schema: Schema): Encoder {
  const inner = bare(schema)
  if (inner instanceof z.ZodArray) {
    const encode = encoder(inner.element)
    return (value) => (Array.isArray(value) ? value.map(encode) : value)
  }
  if (!(inner instanceof z.ZodObject)) return (value) => value
  const fields = Object.entries(inner.shape).map(([name, field]) => [name, snake(name), encoder(field)] as const)
  return (value) => {
    if (!isRecord(value)) return value
    const written: Record<string, unknown> = {}
    for (const [name, wireName, encode] of fields)
      if (value[name] !== undefined) written[wireName] = encode(value[name])
    return written
  }
}

/** Unknown names stay, so that parsing reports them. */
export function decode(schema: Schema, value: unknown): unknown {
  const inner = bare(schema)
  if (inner instanceof z.ZodArray)
    return Array.isArray(value) ? value.map((item) => decode(inner.element, item)) : value
  if (!(inner instanceof z.ZodObject) || !isRecord(value)) return value
  const fields = fieldsOf(inner)
  return Object.fromEntries(
    Object.entries(value).map(([wireName, field]) => {
      const known = fields.get(wireName)
      return known ? [known.name, decode(known.schema, field)] : [wireName, field]
    }),
  )
}

export function fieldsOf(schema: z.ZodObject): Map<string, { name: string; schema: Schema }> {
  return new Map(Object.entries(schema.shape).map(([name, field]) => [snake(name), { name, schema: field }]))
}

export function wirePath(schema: Schema, path: string): string {
  const written: string[] = []
  let at: Schema | undefined = schema
  for (const part of path.split('.')) {
    const inner: Schema | undefined = at && bare(at)
    const field: Schema | undefined = inner instanceof z.ZodObject ? inner.shape[part] : undefined
    written.push(field ? snake(part) : part)
    at = inner instanceof z.ZodArray ? inner.element : field
  }
  return written.join('.')
}

export function jsonSchema(schema: Schema, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...written } = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema }) {
      if (jsonSchema.properties)
        jsonSchema.properties = Object.fromEntries(
          Object.entries(jsonSchema.properties).map(([name, field]) => [snake(name), field]),
        )
      if (jsonSchema.required) jsonSchema.required = jsonSchema.required.map(snake)
      // Answers may gain fields later. The bounds of safe integers apply to every JSON number.
      if (io === 'output') delete jsonSchema.additionalProperties
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
    },
  })
  return written
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
