// Plain and alone: the one script that is served to who is not signed in.
const keyName = 'centralpost.key'
const state = document.getElementById('state')

function explain(text) {
  state.textContent = text
  document.getElementById('how').hidden = false
}

async function signIn(token) {
  // the token leaves the address before anything else can read it
  history.replaceState(null, '', '/login')
  const answer = await fetch('/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.error.message)
  localStorage.setItem(keyName, body.key)
  location.replace('/')
}

async function resume() {
  const answer = await fetch('/api/hubs', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-centralpost-key': localStorage.getItem(keyName) ?? '',
    },
    body: '{}',
  })
  if (answer.status === 401) explain('You are not signed in.')
  else location.replace('/')
}

function begin() {
  const token = location.hash.slice(1)
  document.getElementById('how').hidden = true
  const work = token === '' ? resume() : signIn(token)
  work.catch((error) => explain(`The request failed: ${error.message}.`))
}

begin()
// another link that is opened here changes only what stands behind the #
addEventListener('hashchange', () => {
  if (location.hash !== '') begin()
})
