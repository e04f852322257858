// The standard style: two spaces, single quotes, no semicolons, a space before a function's parentheses.

import js from '@eslint/js'
import stylistic from '@stylistic/eslint-plugin'
import globals from 'globals'

export default [
  { ignores: ['node_modules/', 'src/page/generated/'] },
  js.configs.recommended,
  stylistic.configs.customize({ indent: 2, quotes: 'single', semi: false, commaDangle: 'never', braceStyle: '1tbs' }),
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@stylistic/arrow-parens': ['error', 'as-needed'],
      '@stylistic/max-len': ['error', { code: 132, ignoreUrls: true, ignoreTemplateLiterals: true }],
      // A short method, or a condition with its consequence, reads well on one line.
      '@stylistic/max-statements-per-line': 'off',
      '@stylistic/generator-star-spacing': ['error', 'both'],
      '@stylistic/space-before-function-paren': ['error', 'always'],
      '@stylistic/operator-linebreak': 'off',
      '@stylistic/quote-props': ['error', 'as-needed'],
      '@stylistic/multiline-ternary': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-shadow': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error'
    }
  },
  { files: ['src/page/**', 'demo/**'], languageOptions: { globals: globals.browser } },
  { files: ['src/worker/**', 'src/media/**'], languageOptions: { globals: globals.worker } },
  // What build.mjs puts in.
  { files: ['src/page/**'], languageOptions: { globals: { WORKERS: 'readonly' } } },
  { files: ['src/worker/**'], languageOptions: { globals: { ASSETS: 'readonly', PYODIDE_INFO: 'readonly' } } },
  { files: ['src/shared/**'], languageOptions: { globals: globals['shared-node-browser'] } },
  { files: ['demo/**'], languageOptions: { sourceType: 'script', globals: { WebTorrent: 'readonly' } } },
  { files: ['*.mjs', 'snapshot/*.mjs'], languageOptions: { globals: globals.node } }
]
