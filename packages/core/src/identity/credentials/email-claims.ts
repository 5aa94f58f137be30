/** An issuer of Microsoft Entra, of one tenant: https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference. */
const entra =
  /^https:\/\/login\.microsoftonline\.com\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\/v2\.0$/i

/**
 * Whether an issuer says, in claims whose signature was verified, that the e-mail address among them is verified. Entra knows no `email_verified`: it says the same of
 * the domain of the address by the optional claim `xms_edov` (https://learn.microsoft.com/entra/identity-platform/optional-claims-reference).
 */
export function isEmailVerified(issuer: string, claims: Readonly<Record<string, unknown>>): boolean {
  const said = claims['email_verified']
  // Cognito says it as a text.
  if (said !== undefined) return said === true || said === 'true'
  return entra.test(issuer) && [true, 'true', 1, '1'].some((yes) => yes === claims['xms_edov'])
}

/** What to do where an issuer does not say that an address is verified, after a sentence that says so. */
export function verificationHint(issuer: string): string {
  return entra.test(issuer) ? ` ${entraNeeds}` : ''
}

/** What an application in Microsoft Entra needs before its users can be recognised. */
export const entraNeeds =
  'Microsoft Entra says it only where the optional claims email and xms_edov are switched on for the app registration (Token configuration, or its manifest).'
