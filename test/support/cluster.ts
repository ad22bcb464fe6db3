import { freePort } from '#hub/broker/ports.ts'
import { PlainServer } from './plain-server.ts'

/** Three nats-servers on loopback that are one cluster with JetStream. */
export class Cluster implements AsyncDisposable {
  readonly nodes: ReadonlyMap<string, PlainServer>

  private constructor(nodes: ReadonlyMap<string, PlainServer>) {
    this.nodes = nodes
  }

  static async start(program: string): Promise<Cluster> {
    const names = ['n1', 'n2', 'n3']
    const routes = await Promise.all(names.map(freePort))
    const urls = routes.map((port) => `nats://127.0.0.1:${port}`).join(', ')
    const nodes = names.map(async (name, index) => {
      const config = [
        `server_name: ${name}`,
        'jetstream { store_dir: "STORE" }',
        `cluster { name: three, listen: "127.0.0.1:${routes[index]}", routes: [ ${urls} ] }`,
      ].join('\n')
      return [name, await PlainServer.start(config, { program })] as const
    })
    return new Cluster(new Map(await Promise.all(nodes)))
  }

  get urls(): string[] {
    return [...this.nodes.values()].map(({ url }) => url)
  }

  /** Kills nodes with -9. Gives back how to start them again. */
  async kill9(names: readonly string[]): Promise<() => Promise<void>> {
    const killed = names.map((name) => this.nodes.get(name)).filter((node) => node !== undefined)
    await Promise.all(killed.map((node) => node.kill9()))
    return async () => {
      await Promise.all(killed.map((node) => node.startAgain()))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node[Symbol.asyncDispose]()))
  }
}
