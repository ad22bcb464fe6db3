import { hubConfigSchema } from '#hub/config/hub-config.ts'
import { boundsOf, fieldsOf, jsonSchemaOf, typeOf } from './schema-table.ts'

/** The text of docs/configuration.md: every setting with its default, range and meaning. */
export function configurationPage(): string {
  const schema = jsonSchemaOf(hubConfigSchema, 'input')
  const parts = Object.entries(schema.properties ?? {})
  const sections = parts.map(([name, part]) => {
    const rows = fieldsOf(part)
      .filter(({ schema: one }) => !one.properties)
      .map(({ path, schema: one }) => {
        const fixed = one.default === undefined ? 'none' : `\`${JSON.stringify(one.default)}\``
        const meaning = (one.description ?? '').replaceAll('|', '\\|')
        return `| \`${name}.${path}\` | ${fixed} | ${[typeOf(one), boundsOf(one)].filter((text) => text !== '').join(', ')} | ${meaning} |`
      })
    return [
      `## \`${name}\``,
      '',
      '| setting | default | values | meaning |',
      '| --- | --- | --- | --- |',
      ...rows,
      '',
    ].join('\n')
  })
  return `# Configuration

<!-- Generated from the schemas by \`npm run docs\`; edit docs/generate/configuration.ts or the part's settings. -->

Settings live in a YAML file: \`config/centralpost.yaml\` below the working directory, or the file that \`--config\` or
\`CENTRALPOST_CONFIG\` names. Without a file the defaults hold. An unknown key is an error. \`centralpost check\` reads settings and
rules and changes nothing. Times are seconds unless the name says otherwise.

${sections.join('\n')}
## Environment variables

| variable | meaning |
| --- | --- |
| \`NATS_URL\` | a broker of your own; absent: the embedded one starts |
| \`NATS_USER\`, \`NATS_PASSWORD\`, \`NATS_TOKEN\`, \`NATS_CREDS\` | credentials for it |
| \`NATS_CA\`, \`NATS_CERT\`, \`NATS_KEY\` | its certificate authority, and the client's certificate and key |
| \`CENTRALPOST_DATA\` | the data directory; default \`.centralpost\` in the working directory |
| \`CENTRALPOST_CONFIG\` | the settings file |
| \`CENTRALPOST_HISTORY_URL\` | the PostgreSQL database, where \`history.backend\` is \`postgres\` |
| \`CENTRALPOST_OPERATOR\` | the operator that the command line acts as; default \`operator\` |
| \`CENTRALPOST_WEBHOOK\`, \`CENTRALPOST_WEBHOOK_SECRET\` | where \`notify\` posts, and the key that signs it |
| \`CENTRALPOST_TRACING\`, \`TRACEPARENT\`, \`OTEL_*\` | traces of \`request\`; see [monitoring.md](monitoring.md) |
`
}
