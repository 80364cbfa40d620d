// Where the page begins. Should its modules not load, or should it break, it says so instead of staying
// empty.

try {
  const { start } = await import('./main.js')
  await start()
} catch (error) {
  const sorry = document.createElement('p')
  sorry.className = 'lone'
  sorry.setAttribute('role', 'alert')
  sorry.textContent = 'This page could not be shown. Please reload it.'
  document.querySelector('#page').replaceChildren(sorry)
  throw error
}
