import { execa } from 'execa'
import { answerMeasurements } from './measure.mjs'

answerMeasurements(([file = '', ...args]: readonly string[]) =>
  execa(file, args, { stdin: 'ignore', killDescendants: true }),
)
