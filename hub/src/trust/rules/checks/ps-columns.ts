import { split } from '../options.ts'
import type { Check } from './check.ts'

/** Columns of procps and of busybox. The environment of processes (`environ`) is no column that is shown. */
const columns = new Set(
  split(`%cpu %mem ag_id ag_nice args blocked bsdstart bsdtime c caught cgname cgroup cgroupns class cls cmd comm command
    context cp cpuid cputime cputimes cuc cuu delay drs drss egid egroup eip esp etime etimes euid euser exe f fgid fgroup
    flag flags fname fsgid fsgroup fsuid fsuser fuid fuser gid group htprv htshr ignored intpri ipcns label lastcpu lim
    longtname lsession lstart luid lwp lxc machine maj_flt majflt min_flt minflt mntns name netns ni nice nlwp numa nwchan
    oom oomadj opri ouid pagein pcpu pending pgid pgrp pid pidns pmem policy ppid pri pri_api pri_bar pri_baz pri_foo
    priority pss psr rbops rbytes rchars rgid rgroup rops rss rssize rsz rtprio ruid ruser s sched seat sess session sgi_p
    sgi_rss sgid sgroup sid sig sig_block sig_catch sig_ignore sig_pend sigcatch sigignore sigmask size slice spid stackp
    start start_stack start_time stat state stime suid supgid supgrp suser svgid svgroup svuid svuser sz tgid thcount tid
    time timens times tname tpgid trs trss tsig tsiz tt tty tty4 tty8 ucmd ucomm uid uid_hack uname unit user userns uss
    util utsns uunit vsize vsz wbytes wcbytes wchan wchars wname wops zone`),
)

/** Letters of the BSD form that take nothing and do not show the environment, as `e` does. */
const bsdCluster = /^[acfghHjlLmnrsSTuvwxX]+$/
/** The same, and at the end one that takes the next word: a format, a sort order, processes. */
const bsdWithValue = /^[acfghHjlLmnrsSTuvwxX]*[okOpqtU]$/
const ids = /^\d+(?:,\d+)*$/
/** Options of the Unix form whose value is a list of columns. */
const columnOptions = new Set(['o', 'O', 'format', 'sort', 'k'])

/**
 * Lets through what is known to show no environment. A cluster that holds an option with an attached value, as `-aue` does,
 * is tried in the BSD form too when the value fits nothing, so it must be harmless in both.
 */
export const refusePs: Check = ({ words, read }) => {
  const clusters = words.filter(
    ({ value }, at) => at > 0 && read.roles[at] !== 'operand' && /^-[^-]/.test(value),
  )
  // `x` is no letter of the Unix form: one makes procps read all words in the BSD form.
  const isBsd = clusters.some(({ value }) => value.includes('x'))
  if (isBsd && clusters.some(({ value }) => /^-[A-Za-z]*e/.test(value)))
    return 'ps shows the environment of processes'
  for (const { name, value, at } of read.given) {
    const word = words[at]?.value ?? ''
    const isAttached = /^-[^-]/.test(word)
    if (columnOptions.has(name) ? !areColumns(value) : isAttached && !isHarmlessCluster(word))
      return 'ps shows more of processes than is known to be harmless'
  }
  for (const at of read.operands) {
    const value = words[at]?.value ?? ''
    const before = words[at - 1]?.value ?? ''
    const isValue = at > 1 && read.operands.includes(at - 1) && bsdWithValue.test(before)
    const isKnown = isValue
      ? !/[okO]$/.test(before) || areColumns(value)
      : bsdCluster.test(value) || bsdWithValue.test(value) || ids.test(value)
    if (!isKnown) return 'ps shows more of processes than is known to be harmless'
  }
  return undefined
}

function isHarmlessCluster(word: string): boolean {
  const letters = word.slice(1)
  // `-C name`, `-u user` and their like attached: read as BSD letters, none may be `e`.
  return bsdCluster.test(letters) || /^[CGUgpstu]\d+(?:,\d+)*$/.test(letters)
}

function areColumns(list: string): boolean {
  return list
    .split(/[,\s]+/)
    .filter((column) => column !== '')
    .every((column) =>
      columns.has(
        column
          .replace(/[=:].*$/s, '')
          .replace(/^[-+]/, '')
          .toLowerCase(),
      ),
    )
}
