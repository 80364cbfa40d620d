import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// Below /bff everything is fhirstorm's; the browser's Host arrives there as it is.
const target = process.env.FHIRSTORM ?? 'http://localhost:5000'

export default defineConfig({
  plugins: [react()],
  server: { port: 5173, strictPort: true, proxy: { '/bff': { target } } },
})
