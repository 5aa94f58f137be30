/** State `Recommend`: looks for savings in the new costs. The product has no recommendation rule yet, so no recommendation can come of it. */
export async function run(): Promise<{ outcome: 'none' }> {
  return { outcome: 'none' }
}
