import SqliteDatabase from 'better-sqlite3'
import * as fc from 'fast-check'
import { searchQuery } from '../../../hub/src/history/search-query.ts'

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
    expect(searchQuery(typed)).toBe(query)
  })

  test.each(['', '  ', '-', '"', '()', '*', '&&'])('%p finds nothing and is no error', (typed) => {
    expect(searchQuery(typed)).toBeNull()
  })

  test('nothing that can be typed is an error for the database', () => {
    const db = new SqliteDatabase(':memory:')
    db.exec('create virtual table f using fts5 (a)')
    const find = db.prepare('select rowid from f where f match ?')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.stringMatching(/^[-"*()^:+a AND OR NOT NEAR]*$/),
        ),
        (typed) => {
          const query = searchQuery(typed)
          if (query !== null) expect(find.all(query)).toEqual([])
        },
      ),
      { numRuns: 2000 },
    )
    db.close()
  })
})
