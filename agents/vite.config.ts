import { defineConfig } from 'vite'

/** Builds the operators' page; `npm run build` and set-up call it. */
const config = defineConfig({
  root: new URL('src/console/page', import.meta.url).pathname,
  build: {
    outDir:
      process.env['CENTRALPOST_PAGE_OUT'] ?? new URL('dist/console', import.meta.url).pathname,
    emptyOutDir: true,
    target: 'es2023',
    // a data: URL is not in the policy of the page
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['index.html', 'login.html'].map(
        (name) => new URL(`src/console/page/${name}`, import.meta.url).pathname,
      ),
    },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
})
export default config
