export { visible, visibleCommand, visibleJson } from '@centralpost/shared'
