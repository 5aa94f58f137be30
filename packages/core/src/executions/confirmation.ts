import * as Target from './target.ts'

/** What an approver types for one resource of which something is lost for ever. */
export interface Confirmation {
  number: number
  resourceId: string
  text: string
}

/** A person can see and type it as it is. */
const isTypeable = (text: string): boolean => text !== '' && text.trim() === text && !/\p{C}|\p{Zl}|\p{Zp}/u.test(text)

/** The name of each resource, or its id where the name is missing, cannot be typed, or means another of them too. */
export function confirmationsOf(
  targets: readonly Pick<Target.Info, 'number' | 'state' | 'target' | 'undo' | 'losesData'>[],
): Confirmation[] {
  const lost = targets.filter((target) => target.state === 'planned' && Target.isIrreversible(target))
  return lost.map(({ number, target: { id, name = '' } }) => {
    const isOther = (other: (typeof lost)[number]) =>
      other.number !== number && [other.target.id, other.target.name].includes(name)
    return { number, resourceId: id, text: isTypeable(name) && !lost.some(isOther) ? name : id }
  })
}
