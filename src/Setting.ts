import { Duration, Either, Redacted, Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { isIP } from "node:net"

/** A setting that cannot be used stops the start with this one line. */
export class WrongSetting extends Schema.TaggedError<WrongSetting>()("WrongSetting", {
  name: Schema.String,
  problem: Schema.String,
  example: Schema.String
}) {
  override get message() {
    return `${this.name}: ${this.problem}. Example: ${this.name}=${this.example}`
  }
}

export type Environment = Readonly<Record<string, string | undefined>>
type Read<A> = (text: string) => Either.Either<A, string>

/** What a setting is called, and how its text, or that of the file it names, becomes a value. */
export interface Setting<A> {
  readonly name: string
  readonly help: string
  readonly example: string
  readonly secret: boolean
  readonly read: (env: Environment) => Either.Either<A, WrongSetting>
}

const valueOf = (name: string, secret: boolean, env: Environment): Either.Either<string | undefined, string> => {
  const given = env[name]?.trim()
  const file = secret ? env[`${name}_FILE`]?.trim() : undefined
  if (given) return file ? Either.left(`set either ${name} or ${name}_FILE, not both`) : Either.right(given)
  if (!file) return Either.right(undefined)
  if (!existsSync(file)) return Either.left(`the file that ${name}_FILE names does not exist`)
  return Either.try({
    try: () => readFileSync(file, "utf8").trim(),
    catch: () => `the file that ${name}_FILE names cannot be read`
  })
}

export const define =
  <A>(secret: boolean) =>
  (name: string, example: string, help: string, read: Read<A>, fallback: (env: Environment) => A): Setting<A> => ({
    name,
    help,
    example,
    secret,
    read: (env) =>
      valueOf(name, secret, env).pipe(
        Either.flatMap((text) => (text === undefined ? Either.right(fallback(env)) : read(text))),
        Either.mapLeft((problem) => new WrongSetting({ name, problem, example }))
      )
  })

export const plain =
  <A>(read: Read<A>) =>
  (name: string, example: string, help: string, fallback: A) =>
    define<A>(false)(name, example, help, read, () => fallback)

export const text = plain<string>(Either.right)
export const optionalText = plain<string | null>(Either.right)
export const secret = (name: string, example: string, help: string) =>
  define<Redacted.Redacted | null>(true)(
    name,
    example,
    help,
    (value) => Either.right(Redacted.make(value)),
    () => null
  )

export const quoted = (value: string) => `"${value.slice(0, 60)}"`

export const whole = (low: number, high: number) =>
  plain<number>((value) => {
    const number = Number(value)
    return /^\d+$/.test(value) && number >= low && number <= high
      ? Either.right(number)
      : Either.left(`expected a whole number from ${low} to ${high}, got ${quoted(value)}`)
  })

export const port = plain<number | null>((value) =>
  /^\d{1,5}$/.test(value) && Number(value) <= 65_535
    ? Either.right(Number(value))
    : Either.left(`expected a port from 0 to 65535, got ${quoted(value)}`)
)

export const oneOf = <const A extends ReadonlyArray<string>>(...values: A) =>
  plain<A[number]>((value) => {
    const found = values.find((candidate) => candidate === value)
    return found === undefined
      ? Either.left(`expected ${values.join(" or ")}, got ${quoted(value)}`)
      : Either.right(found)
  })

export const readUrl =
  (protocols: ReadonlyArray<string>): Read<string> =>
  (value) =>
    URL.canParse(value) && protocols.includes(new URL(value).protocol)
      ? Either.right(value.replace(/\/+$/, ""))
      : Either.left(`expected an address that starts with ${protocols.map((p) => `${p}//`).join(" or ")}`)

export const address = (...protocols: ReadonlyArray<string>) => plain<string | null>(readUrl(protocols))

export const speed = plain<number>((value) => {
  const number = Number(value)
  return /^\d+(\.\d+)?$/.test(value) && number <= 100_000
    ? Either.right(number)
    : Either.left(`expected a number from 0 (stepped by hand) to 100000, got ${quoted(value)}`)
})

export const market = plain<string>((value) =>
  value === "synthetic" || value === "mirror" || value.startsWith("replay:")
    ? Either.right(value)
    : Either.left(`expected synthetic, replay:FILE or mirror, got ${quoted(value)}`)
)

const hoursMinutesSeconds = /^PT(?=\d)(?:(\d{1,4})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?$/

/** An ISO 8601 duration without days, of whole seconds up to an hour. */
export const poll = plain<Duration.Duration>((value) => {
  const parts = hoursMinutesSeconds.exec(value)
  const [hours, minutes, seconds] = [1, 2, 3].map((i) => Number(parts?.[i] ?? 0))
  const total = (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0)
  return parts !== null && total >= 1 && total <= 3_600
    ? Either.right(Duration.seconds(total))
    : Either.left(`expected an ISO 8601 duration from PT1S to PT1H, got ${quoted(value)}`)
})

export const isLoopback = (host: string) =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))

const readOrigins: Read<ReadonlyArray<string>> = (value) => {
  const list = value
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "")
  // A star would be a name like any other, and let nobody in.
  const wrong = list.find(
    (origin) => !URL.canParse(origin) || new URL(origin).origin !== origin || origin.includes("*")
  )
  return wrong === undefined
    ? Either.right(list)
    : Either.left(`expected origins without path or star, separated by commas, got ${quoted(wrong)}`)
}
export const origins = plain(readOrigins)

/** A page without TLS hands its tokens to whoever listens; one on this machine does not. */
export const parties = plain<ReadonlyArray<string>>((value) =>
  Either.flatMap(readOrigins(value), (list) => {
    const open = list.find((origin) => new URL(origin).protocol !== "https:" && !isLoopback(new URL(origin).hostname))
    return open === undefined
      ? Either.right(list)
      : Either.left(`expected origins that begin with https:// (http:// only for localhost), got ${quoted(open)}`)
  })
)
