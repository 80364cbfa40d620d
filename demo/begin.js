// Where the page begins. Should its modules not load, it says so instead of staying empty.

const { start } = await import('./main.js').catch(error => {
  const sorry = document.createElement('p')
  sorry.className = 'lone'
  sorry.setAttribute('role', 'alert')
  sorry.textContent = 'This page could not be loaded. Please reload it.'
  document.querySelector('#page').replaceChildren(sorry)
  throw error
})
await start()
