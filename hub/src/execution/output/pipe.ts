/** Identifies the pipe, with the same value at both ends. */
export interface PipeId {
  readonly dev: number
  readonly ino: number
}

/** A pipe: the child's writing end, and this process's reading end. */
export interface Pipe {
  readonly writeFd: number
  readonly readFd: number
  readonly id: PipeId
  /** Call once, when this process has closed both ends. */
  readonly giveBack: () => void
}
