import * as z from 'zod'

type Schema = z.core.$ZodType
type Encoder = (value: unknown) => unknown

/** A name as the wire has it: `startDate` is `start_date` there. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** The schema without what says only whether a value may be missing. */
export function bare(schema: Schema): Schema {
  const wrapped = schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault
  return wrapped ? bare(schema.unwrap()) : schema
}

/** How a value of this schema is written on the wire: names of fields in snake case, and nothing that the schema does not name. */
export function encoder(schema: Schema): Encoder {
  const inner = bare(schema)
  if (inner instanceof z.ZodArray) return arrayOf(encoder(inner.element))
  if (inner instanceof z.ZodObject)
    return objectOf(Object.entries(inner.shape).map(([name, field]) => [name, snake(name), encoder(field)]))
  return (value) => value
}

function arrayOf(encode: Encoder): Encoder {
  return (value) => (Array.isArray(value) ? value.map(encode) : value)
}

function objectOf(fields: (readonly [name: string, wireName: string, encode: Encoder])[]): Encoder {
  return (value) => {
    if (!isRecord(value)) return value
    const written: Record<string, unknown> = {}
    for (const [name, wireName, encode] of fields)
      if (value[name] !== undefined) written[wireName] = encode(value[name])
    return written
  }
}

/** The inverse: names of fields as the schema has them. Names that it does not know stay, for the schema to complain of. */
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

/** The fields of an object by their names on the wire. */
export function fieldsOf(schema: z.ZodObject): Map<string, { name: string; schema: Schema }> {
  return new Map(Object.entries(schema.shape).map(([name, field]) => [snake(name), { name, schema: field }]))
}

/** Where a complaint is, in the wire's names; parts that are no field of the schema stay as they are. */
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

/** The JSON Schema (2020-12, as OpenAPI 3.1 has it) of what is on the wire. */
export function jsonSchema(schema: Schema, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...written } = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema }) {
      if (jsonSchema.properties)
        jsonSchema.properties = Object.fromEntries(
          Object.entries(jsonSchema.properties).map(([name, field]) => [snake(name), field]),
        )
      if (jsonSchema.required) jsonSchema.required = jsonSchema.required.map(snake)
      // Answers may gain fields; that an integer is one that JSON can carry goes without saying.
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
