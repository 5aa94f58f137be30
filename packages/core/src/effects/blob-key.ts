/** The whole key of an organization's object. Throws where a part of it would lead out of its folder: S3 takes such keys, a file system follows them. */
export function of(orgId: string, key: string): string {
  return checked(`${orgId}/${key}`)
}

/** The beginning of the keys of an organization's objects: a folder, or part of a name. Throws as {@link of} does. */
export function prefixOf(orgId: string, prefix: string): string {
  checked(`${orgId}/${prefix}`.replace(/\/$/, ''))
  return `${orgId}/${prefix}`
}

/** Whether a text can be part of a key: neither nothing nor what file systems read as `here` or `one up`. */
export function isPart(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..'
}

function checked(key: string): string {
  if (!key.split('/').every(isPart))
    throw new Error(`${JSON.stringify(key)} is no key of an object: a part of it is empty, "." or ".."`)
  return key
}
