'use client'

/** In the browser: the answer takes the cookie away, which a server component could not pass on. */
export function SignOut({ id }: { id: string }) {
  const leave = async () => {
    await fetch(`/bff/sessions/${id}`, { method: 'DELETE' })
    location.assign('/')
  }
  return <button onClick={leave}>Sign out</button>
}
