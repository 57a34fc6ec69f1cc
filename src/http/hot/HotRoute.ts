import { Effect, Either, Schema } from "effect"
import type { ApiError } from "../../api/Errors.ts"
import type { UserId } from "../../domain/Ids.ts"
import type { Instant } from "../../domain/Time.ts"

/** An answer as it is sent. */
export interface Ready {
  readonly text: string
  /** Bytes. */
  readonly length: number
  /** Of what is the caller's own: it shows everything up to this event. */
  readonly eventSeq?: number
}

/** Who asks; null on a route that is open to everybody. */
export type Caller = UserId | null

/** What a request that was understood asks for. */
export interface Prepared {
  /** What is there already, at wall time `now`; null where `read` has to be asked. Without a fiber. */
  readonly peek: (caller: Caller, now: Instant) => Ready | null
  readonly read: (caller: Caller) => Effect.Effect<Ready, ApiError>
}

export type Parameters = Readonly<Record<string, string>>

/** A route of the contract that the listener serves itself. */
export interface HotRoute {
  readonly operation: string
  /** Null for a request that does not fit: the API builder says why. The answer may be kept for the same URL. */
  readonly prepare: (url: string, path: Parameters, query: Parameters) => Prepared | null
}

/** An endpoint as far as its answers are concerned; `successSchema` encodes the whole envelope. */
interface Answering<A> {
  readonly name: string
  readonly successSchema: Schema.Schema<A, unknown>
}

/** A value is encoded once, however often it is sent: values are never changed, new ones take their place. */
export const encoder = <A extends object>({ successSchema }: Answering<A>): ((value: A) => Ready) => {
  const encode = Schema.encodeSync(successSchema)
  const known = new WeakMap<A, Ready>()
  return (value) => {
    const before = known.get(value)
    if (before !== undefined) return before
    const text = JSON.stringify(encode(value))
    const ready = { text, length: Buffer.byteLength(text) }
    known.set(value, ready)
    return ready
  }
}

/** No parameter at all. */
export const nothing = Schema.Struct({})

interface Input<Path, PathText, Query, QueryText> {
  readonly path: Schema.Schema<Path, PathText>
  readonly urlParams: Schema.Schema<Query, QueryText>
}

interface Asked<Path, Query> {
  readonly path: Path
  readonly urlParams: Query
}

interface Reads<A, Path, Query> {
  readonly peek?: (asked: Asked<Path, Query>, now: Instant) => A | null
  readonly read: (asked: Asked<Path, Query>) => Effect.Effect<A, ApiError>
  /** Instead of encoding what `read` gives for each request anew. */
  readonly keep?: (url: string, answer: Effect.Effect<Ready, ApiError>) => Effect.Effect<Ready, ApiError>
}

/** The input is decoded by the endpoint's own schemas, and what `read` answers is encoded by its own. */
export const hotRoute = <A extends object, Path, PathText, Query, QueryText>(
  endpoint: Answering<A>,
  input: Input<Path, PathText, Query, QueryText>,
  { keep = (_, answer) => answer, peek = () => null, read }: Reads<A, Path, Query>
): HotRoute => {
  const encode = encoder(endpoint)
  const decodePath = Schema.decodeUnknownEither(input.path)
  const decodeQuery = Schema.decodeUnknownEither(input.urlParams)
  return {
    operation: endpoint.name,
    prepare: (url, path, query) => {
      const asked = Either.all({ path: decodePath(path), urlParams: decodeQuery(query) })
      if (Either.isLeft(asked)) return null
      return {
        peek: (_, now) => {
          const there = peek(asked.right, now)
          return there === null ? null : encode(there)
        },
        read: () => keep(url, Effect.map(read(asked.right), encode))
      }
    }
  }
}
