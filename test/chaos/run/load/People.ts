import type { Exchange } from "../machine/Exchange.ts"
import type { Journal } from "../machine/Journal.ts"
import { listAt, parsed, textAt } from "../machine/Json.ts"
import { output } from "../machine/Program.ts"
import type { Service } from "../machine/Service.ts"
import { type Options, peopleIn } from "../Options.ts"
import { decimal, markets } from "../plan/Markets.ts"
import type { Client } from "./Client.ts"
import { listen } from "./Listener.ts"
import { makePerson, type Person } from "./Person.ts"

interface Needs {
  readonly options: Options
  readonly program: ReadonlyArray<string>
  readonly folder: string
  readonly settings: Readonly<Record<string, string>>
  readonly service: Service
  readonly exchange: Exchange
  readonly client: Client
  readonly journal: Journal
  readonly tokens: Map<string, string>
}

/** Users with keys made by the command line, each with an account of the paper exchange and a stream of events. */
export const makePeople = async ({
  client,
  exchange,
  folder,
  journal,
  options,
  program,
  service,
  settings,
  tokens
}: Needs) => {
  for (const { base, priceDecimals, symbol } of markets)
    await exchange.control("POST", "price", { symbol, price: decimal(base, priceDecimals), quantity: "0" })
  let victim: string | null = null
  const all: Array<Person> = []
  const accessKeys = new Map<string, string>()
  const streams: Array<ReturnType<typeof listen>> = []
  for (let index = 0; index < peopleIn(options); index++) {
    const name = `user${index}`
    const create = () =>
      output([...program, "keys", "create", "--user", name, "--scopes", "read,trade,manage"], {
        cwd: folder,
        env: settings
      })
    let { code, stderr, stdout } = await create()
    // The service may hold the database for a moment: what it says then is to ask again.
    for (let left = 3; code !== 0 && left > 0; left--) ({ code, stderr, stdout } = await create())
    if (code !== 0) throw new Error(`keys create ended with ${code}: ${stderr}`)
    tokens.set(name, stdout.trim())
    const credentials = await client.surely(name, { method: "GET", path: "/account/credentials" })
    const prefix = textAt(credentials.body, "data", "keyPrefix")?.replace(/[.…*]+$/, "") ?? null
    const accounts = listAt(parsed((await exchange.control("GET", "accounts")).text), "accounts")
    // What is shown of a key is short: two of them may begin alike.
    const taken = new Set(accessKeys.values())
    const accessKey =
      accounts
        .flatMap((account) => textAt(account, "accessKey") ?? [])
        .find((key) => prefix !== null && key.startsWith(prefix) && !taken.has(key)) ?? null
    journal.note({ kind: "user", user: name, accessKey })
    if (accessKey === null) throw new Error(`no account of the exchange belongs to ${name}`)
    accessKeys.set(name, accessKey)
    if (index === options.users - 1) victim = accessKey
    await exchange.control("POST", "deposit", { accessKey, asset: "BTC", amount: "0.02" })
    await client.surely(name, { method: "POST", path: "/account/wallet/refresh" })
    const person = makePerson(name, client)
    all.push(person)
    streams.push(listen(service, journal, name, stdout.trim(), person.heard))
  }
  return {
    all,
    accessKeys,
    /** Whose balance changes without a word. */
    victim,
    events: () => streams.reduce((sum, stream) => sum + stream.events(), 0),
    end: async () => {
      await Promise.all(streams.map((stream) => stream.end()))
    }
  }
}
