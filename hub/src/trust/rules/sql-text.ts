/** Characters of SQL that are read; behind them everything counts as a statement. */
const longestSql = 16_384
/** What runs the text of a literal as a statement of its own. */
const runsLiteral =
  /\b(?:execute|exec|immediate|prepare|sp_executesql|dblink\w*|query_to_xml\w*|eval)\b[^;]{0,80}$/i
/** Comments and literals; `/*!` begins no comment for MySQL. */
const unread =
  /--(?=\s)[^\n]*|\/\*(?!!)[^*]*(?:\*(?!\/)[^*]*)*\*\/|'[^']*(?:''[^']*)*'|"[^"]*(?:""[^"]*)*"/g

/**
 * SQL with its comments taken out and its literals emptied, so that what is left is what it does. What could be read in
 * another way stays as it is.
 */
export function withoutLiterals(sql: string): string {
  if (!/--|\/\*|['"]/.test(sql) || sql.length > longestSql) return sql
  // A backslash before a quote ends a literal for one database and does not for another.
  if (sql.includes('\\')) return sql
  return sql.replaceAll(unread, (part: string, at: number) => {
    if (part.startsWith('--') || part.startsWith('/*')) return ' '
    return runsLiteral.test(sql.slice(Math.max(0, at - 100), at)) ? part : `${part[0]}${part[0]}`
  })
}
