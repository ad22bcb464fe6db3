export {
  numberedLines,
  readableCommand,
  visible,
  visibleCommand,
  visibleJson,
} from '@centralpost/shared'
