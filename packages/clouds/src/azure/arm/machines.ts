import { Refusal } from '../../answers.ts'
import type { Document, Operation, Operations, Question } from '../operation.ts'
import { accepted, bodyOf, byMethod, found, free, pathOf } from './requests.ts'
import { isSameHost, sizes } from './sizes.ts'

const type = 'Microsoft.Compute/virtualMachines'

interface Attached {
  lun: number
  managedDisk: { id: string }
}

/** The parts of a machine that its operations change: `VirtualMachine_Get.json` of Azure/azure-rest-api-specs. */
interface Machine {
  hardwareProfile: { vmSize: string }
  storageProfile: { osDisk: object; dataDisks: Attached[] }
  instanceView: { statuses: { code: string }[] }
  licenseType?: string
}

const machineOf = ({ properties }: Document) => properties as unknown as Machine

export function powerOf(document: Document): string {
  const codes = machineOf(document).instanceView.statuses.map(({ code }) => code)
  return codes.find((code) => code.startsWith('PowerState/')) ?? 'PowerState/unknown'
}

function withPower(document: Document, power: string): Document {
  const statuses = [{ code: 'ProvisioningState/succeeded' }, { code: `PowerState/${power}` }]
  return { ...document, properties: { ...document.properties, instanceView: { statuses } } }
}

/** `VirtualMachine_Get_InstanceView.json`: the view is there if it is asked for. */
const get: Operation = (question) => {
  const document = found(question)
  const { instanceView, ...properties } = document.properties
  const isAsked = question.request.query.get('$expand') === 'instanceView'
  return { body: { etag: '"1"', ...document, properties: { ...properties, ...(isAsked && { instanceView }) } } }
}

/** `VirtualMachine_Deallocate_MinimumSet_Gen.json` and its like. */
function power(meanwhile: string, afterwards: string): Operation {
  return (question) => {
    const document = free(question)
    return { ...accepted(question, withPower(document, meanwhile), () => withPower(document, afterwards)), body: '' }
  }
}

interface Patch {
  properties: { hardwareProfile?: { vmSize: string }; licenseType?: string }
}

/** `VirtualMachine_Update_DetachDataDiskUsingToBeDetachedProperty.json`: 200, and the operation goes on. */
const patch: Operation = (question) => {
  const document = free(question)
  const etag = document.etag ?? '"1"'
  const expected = question.request.headers['if-match']
  if (expected !== undefined && expected !== etag) throw new Refusal('PreconditionFailed', 412)
  const { hardwareProfile, licenseType } = bodyOf<Patch>(question).properties
  const isOff = powerOf(document) === 'PowerState/deallocated'
  if (hardwareProfile && !isOff && !isSameHost(machineOf(document).hardwareProfile.vmSize, hardwareProfile.vmSize))
    throw new Refusal('OperationNotAllowed', 409)
  const { licenseType: before, ...properties } = document.properties
  const license = licenseType ?? before
  const changed = {
    ...document,
    etag: `"${Number(etag.slice(1, -1)) + 1}"`,
    properties: {
      ...properties,
      ...(hardwareProfile && { hardwareProfile }),
      ...(license !== undefined && license !== 'None' && { licenseType: license }),
    },
  }
  return accepted(question, document, () => changed, 200)
}

interface Attaching {
  diskId: string
  lun: number
  caching?: string
  deleteOption?: string
}

interface AttachDetach {
  dataDisksToAttach?: Attaching[]
  dataDisksToDetach?: { diskId: string }[]
}

function diskAt(question: Question, id: string): Document {
  const disk = question.azure.documents.find(question, id)
  if (!disk) throw new Refusal('NotFound', 404)
  return disk
}

/** `VirtualMachine_AttachDetachDataDisks_MaximumSet_Gen.json` */
const attachDetach: Operation = (question) => {
  const document = free(question)
  const { dataDisksToAttach = [], dataDisksToDetach = [] } = bodyOf<AttachDetach>(question)
  const { storageProfile } = machineOf(document)
  const isDetached = ({ managedDisk }: Attached) =>
    dataDisksToDetach.some(({ diskId }) => diskId.toLowerCase() === managedDisk.id.toLowerCase())
  const stay = storageProfile.dataDisks.filter((each) => !isDetached(each))
  const gone = storageProfile.dataDisks.filter(isDetached).map(({ managedDisk }) => diskAt(question, managedDisk.id))
  const come = dataDisksToAttach.map((asked) => ({ asked, disk: diskAt(question, asked.diskId) }))
  if (gone.length !== dataDisksToDetach.length) throw new Refusal('InvalidParameter', 400)
  for (const { asked, disk } of come) {
    if (disk.managedBy) throw new Refusal('AttachDiskWhileAttached', 409)
    if (stay.some(({ lun }) => lun === asked.lun)) throw new Refusal('InvalidParameter', 400)
  }
  const attached = come.map(({ asked, disk }) => ({ ...attachedAs(disk), ...placeOf(asked) }))
  const dataDisks = [...stay, ...attached].toSorted((a, b) => a.lun - b.lun)
  const { documents } = question.azure
  const end = () => {
    for (const disk of gone) documents.keep({ ...disk, managedBy: '' })
    for (const { disk } of come) documents.keep({ ...disk, managedBy: document.id })
    return { ...document, properties: { ...document.properties, storageProfile: { ...storageProfile, dataDisks } } }
  }
  return { ...accepted(question, document, end), body: '' }
}

function placeOf({ lun, caching, deleteOption }: Attaching) {
  return { lun, ...(caching !== undefined && { caching }), ...(deleteOption !== undefined && { deleteOption }) }
}

const attachedAs = ({ id, name, sku, properties }: Document) => ({
  name,
  createOption: 'Attach',
  managedDisk: { id, storageAccountType: sku?.name },
  diskSizeGB: properties['diskSizeGB'],
})

/** `VirtualMachine_ListAvailableVmSizes.json`: those of its host, or all if it has none. */
const sizesOfMachine: Operation = (question) => {
  const document = found(question)
  const { vmSize } = machineOf(document).hardwareProfile
  const isOff = powerOf(document) === 'PowerState/deallocated'
  return { body: { value: isOff ? sizes : sizes.filter(({ name }) => isSameHost(vmSize, name)) } }
}

const path = pathOf(type)

export const machineOperations: Operations = {
  [type]: [path, byMethod({ GET: get, PATCH: patch })],
  [`${type}/deallocate/action`]: [`${path}/deallocate`, power('deallocating', 'deallocated')],
  [`${type}/powerOff/action`]: [`${path}/powerOff`, power('stopping', 'stopped')],
  [`${type}/start/action`]: [`${path}/start`, power('starting', 'running')],
  [`${type}/attachDetachDataDisks/action`]: [`${path}/attachDetachDataDisks`, attachDetach],
  [`${type}/vmSizes/read`]: [`${path}/vmSizes`, sizesOfMachine],
  'Microsoft.Compute/locations/vmSizes/read': [
    '/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/vmSizes',
    () => ({ body: { value: sizes } }),
  ],
}
