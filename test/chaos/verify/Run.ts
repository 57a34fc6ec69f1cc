import { type ClientRecord, clientOf } from "./journal/Client.ts"
import { type ExchangeRecord, exchangeOf } from "./journal/Exchange.ts"
import { type Line, linesOf, show } from "./journal/Lines.ts"
import { type ServiceRecord, serviceOf, type UserRecord } from "./journal/Service.ts"
import { Unreadable } from "./Reading.ts"

/** The contents of the three journals. */
export interface Journals {
  readonly client: string
  readonly exchange: string
  readonly service: string
}

/** Whose account at the exchange is whose at the service. */
export interface Pairing {
  readonly record: UserRecord
  readonly accountId: string
}

/** One run, by its three independent records. */
export interface Run {
  readonly client: ClientRecord
  readonly exchange: ExchangeRecord
  readonly service: ServiceRecord
  readonly users: ReadonlyArray<Pairing>
  readonly notes: ReadonlyArray<string>
}

export const runOf = (journals: Journals): Run => {
  const lines = linesOf("C", journals.client)
  const client = clientOf(lines)
  const exchange = exchangeOf(linesOf("E", journals.exchange))
  const service = serviceOf(linesOf("S", journals.service))
  return { client, exchange, service, users: pairsOf(client, exchange, service), notes: lines.notes }
}

const pairsOf = (client: ClientRecord, exchange: ExchangeRecord, service: ServiceRecord): ReadonlyArray<Pairing> => {
  const accounts = new Map([...exchange.accounts.values()].map(({ accessKey, id }) => [accessKey, id]))
  if (service.users.size === 0) throw new Unreadable("S has no user")
  const users = [...service.users.values()].map((record) => {
    const accountId = accounts.get(client.accessKeys.get(record.user) ?? "")
    if (accountId === undefined) throw new Unreadable(`no account of the exchange belongs to ${record.user}`)
    return { record, accountId }
  })
  for (const user of client.accessKeys.keys())
    if (!service.users.has(user)) throw new Unreadable(`S has nothing of ${user}`)
  if (users.length !== exchange.accounts.size)
    throw new Unreadable(`E has ${exchange.accounts.size} accounts, S ${users.length} users`)
  return users
}

export const invariants = [
  "I1",
  "I2",
  "I3",
  "I4",
  "I5",
  "I6",
  "I7",
  "I8",
  "I9",
  "I10",
  "I11",
  "I12",
  "I13",
  "I14"
] as const
export type Invariant = (typeof invariants)[number]

/** Something that no correct service lets happen, with the lines that show it. */
export interface Violation {
  readonly text: string
  readonly lines: ReadonlyArray<Line>
}

/** Looks through a run for what breaks one promise. */
export type Check = (run: Run) => Iterable<Violation>

export const described = (invariant: Invariant, { lines, text }: Violation): string =>
  [`${invariant}: ${text}`, ...lines.map((line) => `    ${show(line)}`)].join("\n")
