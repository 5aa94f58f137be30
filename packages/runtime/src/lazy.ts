import type {
  Blobs,
  Bus,
  Cloud,
  CloudAccess,
  Clouds,
  DataKeys,
  Mail,
  OpenId,
  Passwords,
  Queues,
  Tokens,
  Workflows,
} from '@cloudoptima/core'

/** Creates an object of the runtime on its first use. */
type Lazy<Value> = () => Promise<Value>

export function lazyBlobs(blobs: Lazy<Blobs>): Blobs {
  return {
    put: async (...input) => await (await blobs()).put(...input),
    putFile: async (...input) => await (await blobs()).putFile(...input),
    get: async (...input) => await (await blobs()).get(...input),
    stream: async (...input) => await (await blobs()).stream(...input),
    list: async (...input) => await (await blobs()).list(...input),
    remove: async (...input) => await (await blobs()).remove(...input),
    uploadUrl: async (...input) => await (await blobs()).uploadUrl(...input),
    downloadUrl: async (...input) => await (await blobs()).downloadUrl(...input),
  }
}

export const lazyBus = (bus: Lazy<Bus>): Bus => ({ publish: async (event) => await (await bus()).publish(event) })

export const lazyWorkflows = (workflows: Lazy<Workflows>): Workflows => ({
  start: async (...input) => await (await workflows()).start(...input),
  stop: async (...input) => await (await workflows()).stop(...input),
  describe: async (...input) => await (await workflows()).describe(...input),
  succeed: async (...input) => await (await workflows()).succeed(...input),
  fail: async (...input) => await (await workflows()).fail(...input),
})

export const lazyQueues = (queues: Lazy<Queues>): Queues => ({
  send: async (...input) => await (await queues()).send(...input),
  depths: async (names) => await (await queues()).depths(names),
  deadLetters: async (...input) => await (await queues()).deadLetters(...input),
  redrive: async (queue) => await (await queues()).redrive(queue),
})

export const lazyMail = (mail: Lazy<Mail>): Mail => ({ send: async (message) => await (await mail()).send(message) })

export const lazyDataKeys = (dataKeys: Lazy<DataKeys>): DataKeys => ({
  generate: async (context) => await (await dataKeys()).generate(context),
  unwrap: async (...input) => await (await dataKeys()).unwrap(...input),
})

export const lazyPasswords = (passwords: Lazy<Passwords>): Passwords => ({
  hash: async (password) => await (await passwords()).hash(password),
  verify: async (...input) => await (await passwords()).verify(...input),
  needsRehash: async (hash) => await (await passwords()).needsRehash(hash),
})

/** `names` is called on use only, so a function that needs no tokens can be deployed without them. */
export function lazyTokens(
  names: () => Pick<Tokens, 'issuer' | 'audience'>,
  own: Lazy<Omit<Tokens, 'verifyIssued'>>,
  verifyIssued: Lazy<Tokens['verifyIssued']>,
): Tokens {
  return {
    get issuer() {
      return names().issuer
    },
    get audience() {
      return names().audience
    },
    sign: async (claims) => await (await own()).sign(claims),
    verify: async (token) => await (await own()).verify(token),
    keys: async () => await (await own()).keys(),
    verifyIssued: async (...input) => await (await verifyIssued())(...input),
  }
}

export const lazyOpenId = (openId: Lazy<OpenId>): OpenId => ({
  begin: async (...input) => await (await openId()).begin(...input),
  finish: async (...input) => await (await openId()).finish(...input),
})

export function lazyClouds(clouds: Lazy<Clouds>): Clouds {
  const access = (cloud: Cloud): CloudAccess => ({
    verify: async (credentials) => await (await clouds())[cloud].verify(credentials),
  })
  const aws = async () => (await clouds()).aws
  const setup: Omit<Clouds['aws'], 'verify'> = {
    templates: async () => await (await aws()).templates(),
    principal: async () => await (await aws()).principal(),
    quickCreateUrl: async (given) => await (await aws()).quickCreateUrl(given),
  }
  return { aws: { ...access('aws'), ...setup }, azure: access('azure'), gcp: access('gcp') }
}
