/** Which pipe it is, the same at both ends. */
export interface PipeId {
  readonly dev: number
  readonly ino: number
}

/** A pipe: the end that a child writes to, and the end that is read here. */
export interface Pipe {
  readonly writeFd: number
  readonly readFd: number
  readonly id: PipeId
  /** To be called once, when this process has closed both ends. */
  readonly giveBack: () => void
}
