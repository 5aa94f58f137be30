export interface Resource {
  Type: string
  Properties: Record<string, unknown>
  DeletionPolicy?: string
}

/** The synthesised stacks of a stage. */
export interface Deployment {
  /** All resources of a type, by `stack/logical id`. */
  resources(type: string): [id: string, resource: Resource][]
  /** The properties of the only resource of a type, or of the only one whose id has that beginning. */
  only(type: string, beginning?: string): Record<string, unknown>
  /** The environment variables of a function, without those of SST. */
  variables(name: string): Record<string, unknown>
  /** The findings of cdk-nag. */
  findings: string[]
  /** The reasons of its suppressed findings. */
  reasons: string[]
  /** Folder of a function's bundle. */
  bundle(handler: string): string
}
