import { render } from 'preact'
import './style/base.css'
import './style/layout.css'
import './style/parts.css'
import './style/approvals.css'
import './style/questions.css'
import './style/terminal.css'
import './style/tables.css'
import './style/plots.css'
import { App } from './app.tsx'
import { keepInTouch } from './feed.ts'
import { watchForNews } from './ui/notify.ts'

const place = document.getElementById('page')
if (place !== null) {
  render(<App />, place)
  watchForNews()
  void keepInTouch()
}
