/** Acts as a browser at a test provider: follows redirects and submits forms until the redirect to `callback`. */
export async function browse(url: string, callback: string, login = 'ada'): Promise<string> {
  const cookies = new Map<string, string>()
  let next: { url: string; form?: URLSearchParams } = { url }
  for (let steps = 0; steps < 15; steps++) {
    if (next.url.startsWith(callback)) return next.url
    const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
    const answer: Response = await fetch(next.url, {
      redirect: 'manual',
      headers,
      ...(next.form && { method: 'POST', body: next.form }),
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      cookies.set(name, value)
    }
    const [location, page] = [answer.headers.get('location'), await answer.text()]
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? ''
    next = location
      ? { url: new URL(location, next.url).href }
      : { url: /action="([^"]+)"/.exec(page)?.[1] ?? '', form: new URLSearchParams({ prompt, login, password: 'x' }) }
    if (!next.url) throw new Error(`The provider answered ${answer.status}: ${page.slice(0, 500)}`)
  }
  throw new Error('The provider did not redirect to the callback within 15 steps')
}
