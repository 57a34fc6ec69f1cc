import { createHmac } from "node:crypto"
import { Clock, Effect, Redacted } from "effect"
import * as Decimal from "../../../src/domain/Decimal.ts"
import { PaperExchange, type PaperExchangeOptions } from "../../../src/paper/PaperExchange.ts"

/** A payload as `JSON.parse` gives it: these tests assert on it field by field. */
export type Json = ReturnType<typeof JSON.parse>

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Json
}

export const sign = (secret: string, text: string): string => createHmac("sha256", secret).update(text).digest("hex")

/** A hand-written client: what it sends is spelled out here, not by the code under test. */
export const makeClient = (url: string, accessKey: string, secretKey: string) => {
  const raw = (method: string, target: string, init: { headers?: Record<string, string>; body?: string } = {}) =>
    Effect.promise(async (): Promise<Answer> => {
      const response = await fetch(`${url}${target}`, { method, ...init })
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
    })
  const signed = (method: string, path: string, parameters: Record<string, string> = {}) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const query = new URLSearchParams({ ...parameters, timestamp: String(now) }).toString()
      return raw(method, `${path}?${query}&signature=${sign(secretKey, query)}`, {
        headers: { "X-MEXC-APIKEY": accessKey, "Content-Type": "application/json" }
      })
    })
  /** Parameters in a form body, more of them and the time in the query: signed one after the other. */
  const form = (
    method: string,
    path: string,
    parameters: Record<string, string>,
    inQuery: Record<string, string> = {}
  ) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const query = new URLSearchParams({ ...inQuery, timestamp: String(now) }).toString()
      const body = new URLSearchParams(parameters).toString()
      return raw(method, `${path}?${query}&signature=${sign(secretKey, query + body)}`, {
        headers: { "X-MEXC-APIKEY": accessKey, "Content-Type": "application/x-www-form-urlencoded" },
        body
      })
    })
  const control = (method: string, path: string, body?: unknown) =>
    raw(method, path, body === undefined ? {} : { body: JSON.stringify(body) })
  return { raw, signed, form, control }
}

export const alice = { accessKey: "mx0alice", secretKey: "alice-secret" }
export const bob = { accessKey: "mx0bob", secretKey: "bob-secret" }

export const account = (
  { accessKey, secretKey }: { readonly accessKey: string; readonly secretKey: string },
  balances: Record<string, string>
) => ({
  accessKey,
  secretKey: Redacted.make(secretKey),
  balances: Object.fromEntries(Object.entries(balances).map(([asset, amount]) => [asset, Decimal.unsafe(amount)]))
})

/** An exchange at a free port whose prices move only by `/paper/v1/price`. */
export const stillExchange: PaperExchangeOptions = {
  host: "127.0.0.1",
  port: 0,
  market: "still",
  speed: 1,
  seed: 7,
  accounts: [account(alice, { USDT: "10000", BTC: "1" }), account(bob, { USDT: "10000", BTC: "1" })],
  control: true,
  dataDir: null
}

/** Clients of both accounts on a running exchange. */
export const clients = Effect.map(PaperExchange, ({ port, url, wsUrl }) => ({
  url,
  wsUrl,
  port,
  alice: makeClient(url, alice.accessKey, alice.secretKey),
  bob: makeClient(url, bob.accessKey, bob.secretKey)
}))
