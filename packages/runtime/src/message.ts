import { Fault, type Message } from '@cloudoptima/core'

/** Against header injection; throws Fault `invalid`. */
export function checkMessage({ to, subject }: Message): void {
  const complaints = [
    ...(/^[^\s\p{Cc},;:<>()"\\@]+@[^\s\p{Cc},;:<>()"\\@]+$/u.test(to) && to.length <= 254
      ? []
      : [{ path: 'to', message: 'must be one e-mail address' }]),
    ...(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,200}$/u.test(subject)
      ? []
      : [{ path: 'subject', message: 'must be one line of at most 200 characters' }]),
  ]
  if (complaints.length > 0)
    throw new Fault('invalid', 'The mail has a wrong address or subject. Correct the listed fields.', complaints)
}
