const fhirstorm = process.env.FHIRSTORM ?? 'http://localhost:5000'

export default {
  // Files that were traced for a server are looked for here, not in a folder above.
  outputFileTracingRoot: import.meta.dirname,
  rewrites: async () => [{ source: '/bff/:path*', destination: `${fhirstorm}/bff/:path*` }],
}
