import SqliteDatabase from 'better-sqlite3'
import * as fc from 'fast-check'
import { searchQuery, sqliteMatch } from '#hub/history/store/search-query.ts'

describe('what a person types into the search', () => {
  test.each([
    ['git status', '"git" AND "status" *'],
    ['git status ', '"git" AND "status"'],
    ['"git status"', '"git status"'],
    ['-la', '"la" *'],
    ['src/a.py', '"src a py" *'],
    ['foo-bar baz', '"foo bar" AND "baz" *'],
    ['pip inst*  x', '"pip" AND "inst" * AND "x" *'],
  ])('%s becomes %s', (typed, query) => {
    expect(sqliteMatch(searchQuery(typed) ?? [])).toBe(query)
  })

  test.each(['', '  ', '-', '"', '()', '*', '""'])('%p finds nothing and is no error', (typed) => {
    expect(searchQuery(typed)).toBeNull()
  })

  test('nothing that can be typed is an error for the database', () => {
    const db = new SqliteDatabase(':memory:')
    db.exec('create virtual table f using fts5 (a)')
    const find = db.prepare('select rowid from f where f match ?')
    const typed = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[-"*()^:+a AND OR NOT NEAR]*$/),
    )
    const search = (text: string): unknown[] => {
      const query = searchQuery(text)
      return query === null ? [] : find.all(sqliteMatch(query))
    }
    expect(() =>
      fc.assert(
        fc.property(typed, (text) => search(text).length === 0),
        { numRuns: 2000 },
      ),
    ).not.toThrow()
    db.close()
  })
})
