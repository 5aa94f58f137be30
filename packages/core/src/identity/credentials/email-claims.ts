const entra =
  /^https:\/\/login\.microsoftonline\.com\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\/v2\.0$/i

// xms_edov: https://learn.microsoft.com/entra/identity-platform/optional-claims-reference
export function isEmailVerified(issuer: string, claims: Readonly<Record<string, unknown>>): boolean {
  const said = claims['email_verified']
  if (said !== undefined) return said === true || said === 'true'
  return entra.test(issuer) && [true, 'true', 1, '1'].some((yes) => yes === claims['xms_edov'])
}

/** Advice for an issuer that does not assert verified addresses. */
export function verificationHint(issuer: string): string {
  return entra.test(issuer) ? ` ${entraNeeds}` : ''
}

export const entraNeeds =
  'For Microsoft Entra, add the optional claims email and xms_edov to the app registration (Token configuration ' +
  'or manifest).'
