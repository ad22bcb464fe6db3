/** Characters of SQL that are read; behind them everything counts as a statement. */
const longestSql = 16_384
/** Statements that run the text of a literal. */
const runsLiteral =
  /\b(?:execute|exec|immediate|prepare|sp_executesql|dblink\w*|query_to_xml\w*|eval)\b[^;]{0,80}$/i
/** Comments and literals; `/*!` begins no comment for MySQL. */
const unread =
  /--(?=\s)[^\n]*|\/\*(?!!)[^*]*(?:\*(?!\/)[^*]*)*\*\/|'[^']*(?:''[^']*)*'|"[^"]*(?:""[^"]*)*"/g

/**
 * SQL without its comments and with its literals emptied, so that only the statements remain.
 * Ambiguous text stays unchanged.
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
