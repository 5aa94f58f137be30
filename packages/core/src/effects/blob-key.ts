/** Throws if a part is empty, "." or "..": file systems resolve those. */
export function of(orgId: string, key: string): string {
  return checked(`${orgId}/${key}`)
}

/** Throws as {@link of}. */
export function prefixOf(orgId: string, prefix: string): string {
  checked(`${orgId}/${prefix}`.replace(/\/$/, ''))
  return `${orgId}/${prefix}`
}

export function isPart(text: string): boolean {
  return !['', '.', '..'].includes(text)
}

function checked(key: string) {
  if (!key.split('/').every(isPart))
    throw new Error(`${JSON.stringify(key)} is no key of an object: a part is empty, "." or ".."`)
  return key
}
