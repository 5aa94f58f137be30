type Asynchronous<Service> = { [Name in keyof Service]: (...input: never[]) => Promise<unknown> }

export function lazy<Service extends Asynchronous<Service>>(create: () => Promise<Service>): Service {
  const created = once(create)
  const method =
    (name: PropertyKey) =>
    async (...input: unknown[]) => {
      const service: object = await created()
      return await (Reflect.get(service, name) as (...input: unknown[]) => Promise<unknown>).apply(service, input)
    }
  // Without `then`, or `await` would take the object for a promise.
  return new Proxy<object>({}, { get: (_, name) => (name === 'then' ? undefined : method(name)) }) as Service
}

export function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => {
    value ??= make().catch((error: unknown) => {
      value = undefined
      throw error
    })
    return value
  }
}
