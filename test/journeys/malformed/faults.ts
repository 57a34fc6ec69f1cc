import { isList, isObject, type Json } from "../../../src/api/openapi/Json.ts"
import type { Dice } from "./Dice.ts"

/** What a request is before it is broken, and after. */
export interface Draft {
  method: string
  path: string
  query: ReadonlyArray<readonly [name: string, value: string]>
  /** As it is written after the path, when it is no list of names and values any more. */
  rawQuery: string | null
  headers: Record<string, string>
  body: Buffer | null
}

const big = "x".repeat(10_000)

/** Where something else belongs. */
const wrongValues: ReadonlyArray<Json> = [
  null,
  true,
  0,
  -1,
  1.5,
  1e21,
  -0.0000001,
  9_007_199_254_740_993,
  "",
  " ",
  "-1",
  "1e5",
  "NaN",
  "Infinity",
  "0x10",
  "1,5",
  "0.1234567890123456789",
  "9".repeat(400),
  big,
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "\u202eBTC",
  "ＢＴＣＵＳＤＴ",
  "💸".repeat(50),
  "e\u0301".repeat(20),
  "a\tb\nc",
  "'; DROP TABLE users; --",
  "${jndi:ldap://x}",
  "../../etc/passwd",
  "2026-02-30T25:61:00Z",
  "PT-1S",
  "P99999999999Y",
  [],
  {},
  [[]],
  { a: { b: { c: [] } } },
  Array<Json>(300).fill("BTCUSDT"),
  [null]
]

/** Changes one place of a value, or gives another in its stead. */
const broken = (value: Json, dice: Dice): Json => {
  if (isObject(value) && Object.keys(value).length > 0 && dice.chance(0.9)) {
    const name = dice.pick(Object.keys(value))
    const { [name]: field = null, ...rest } = value
    const what = dice.below(10)
    if (what === 0) return rest
    if (what === 1)
      return { ...value, [dice.pick(["x", "", "__proto__", "constructor", "toString", `${name} `, big])]: field }
    if (what === 2) return { ...rest, [name.toUpperCase()]: field }
    return { ...rest, [name]: broken(field, dice) }
  }
  if (isList(value) && value.length > 0 && dice.chance(0.7)) {
    const at = dice.below(value.length)
    return value.map((item, i) => (i === at ? broken(item, dice) : item))
  }
  return dice.pick(wrongValues)
}

/** What no value can be changed into: the text itself is broken. */
const brokenTexts: ReadonlyArray<(text: string) => string | Buffer> = [
  () => "",
  () => "null",
  () => "[]",
  () => "12",
  () => '"text"',
  () => "NaN",
  () => "{'a':1}",
  () => "undefined",
  () => `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
  () => `{"a":${'{"a":'.repeat(500)}1${"}".repeat(500)}}`,
  () => JSON.stringify(Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`f${i}`, i]))),
  () => JSON.stringify({ a: "x".repeat(100_000) }),
  () => JSON.stringify({ a: "x".repeat(60_000) }),
  (text) => text.slice(0, -1),
  (text) => text.slice(0, text.length / 2),
  (text) => `${text}${text}`,
  (text) => `${text},`,
  (text) => `\ufeff${text}`,
  (text) => text.replace("{", '{"a":1,"a":2,'),
  (text) => text.replace("{", '{"a":1e400,'),
  (text) => text.replace("{", '{"a":-Infinity,'),
  (text) => text.replace("{", '{"a":01,'),
  (text) => text.replace("{", '{"a":"\\ud800",'),
  (text) => text.replace("{", '{"a":"\\u0000",'),
  (text) => text.replace("{", '{"a":"\\x",'),
  (text) => text.replace("{", '{"__proto__":{"admin":true},'),
  (text) => text.replace("{", "{/* hello */"),
  (text) => text.replaceAll('"', "“"),
  (text) => Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xc3, 0x28, 0x7d])]),
  (text) => Buffer.from([0xff, 0xfe, ...Buffer.from(text, "utf16le")]),
  (text) => Buffer.from(text, "utf16le")
]

const contentTypes = [
  "text/plain",
  "application/xml",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/json; charset=utf-16",
  "application/json; charset=utf-8; charset=latin1",
  "application/jsonx",
  "json",
  "",
  "*/*",
  "application/JSON"
]

/** Put where a path has a parameter, as they are. */
const wrongSegments = [
  "%00",
  "%ff",
  "%",
  "%zz",
  "%2e%2e%2f",
  "%2F",
  "..",
  "%20",
  "null",
  "-1",
  "1e9",
  "%27%20OR%201=1--",
  "%F0%9F%92%B8",
  "\u00ff",
  "a;b=c",
  "a:b",
  "*",
  "BTC-USDT",
  "btcusdt",
  "NOPEUSDT",
  "x".repeat(4_000),
  `rule_${"0".repeat(26)}`,
  "ord_01hzy3v7k2m4n6p8q0r2s4t6w8"
]

const wrongQueries = [
  "limit=abc",
  "limit=0",
  "limit=-1",
  "limit=501",
  "limit=1&limit=2",
  "limit=1e2",
  "limit=",
  "limit",
  "from=NaN",
  "from=2026-03-01",
  "to=%00",
  "cursor=%ff",
  "cursor=%",
  "cursor=../../x",
  "symbol=btc-usdt",
  "symbols=,,,,",
  `symbols=${"BTCUSDT,".repeat(900)}`,
  `x=${"y".repeat(8_000)}`,
  "a[b]=c",
  "__proto__=1",
  "constructor[prototype]=1",
  "&&&=&",
  "?",
  "#",
  "=",
  "format=xml",
  "depth=99999999999999999999",
  "interval=2m",
  "at=never",
  "lots=all",
  "state=gone"
]

const wrongHeaders: ReadonlyArray<readonly [name: string, value: string]> = [
  ["idempotency-key", "short"],
  ["idempotency-key", ""],
  ["idempotency-key", "k".repeat(100)],
  ["idempotency-key", "\u00e9".repeat(20)],
  ["if-match", "*"],
  ["if-match", `W/"1"`],
  ["if-match", "-1"],
  ["if-match", "99999999999999999999"],
  ["content-encoding", "gzip"],
  ["transfer-encoding", "chunked"],
  ["expect", "200-maybe"],
  ["accept", "image/png"],
  ["accept", "text/csv, */*"],
  ["x-request-id", `"><script>`],
  ["x-request-id", "\u00ff".repeat(70)],
  ["x-paper-fault", "explode:now"],
  ["x-forwarded-for", "1.2.3.4, ::1, \u00ff"],
  ["x-forwarded-proto", "http"],
  ["x-http-method-override", "DELETE"],
  ["traceparent", "00-zz-zz-00"],
  ["last-event-id", "-1"],
  ["origin", "null"],
  ["cookie", "__session=abc"],
  ["range", "bytes=0-1"],
  ["upgrade", "h2c"]
]

const credentials = [
  "",
  "Bearer",
  "Bearer  ",
  "Bearer x",
  "Basic eDp4",
  "bk_x",
  `Bearer ${"x".repeat(6_000)}`,
  "Bearer \u00ff"
]
const verbs = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND", "LOCK", "REPORT"]

type Fault = (draft: Draft, dice: Dice) => void

const faults: ReadonlyArray<readonly [weight: number, fault: Fault]> = [
  [
    10,
    (draft, dice) => {
      if (draft.body === null) draft.body = Buffer.from(JSON.stringify(dice.pick(wrongValues)))
      else {
        const value: Json = JSON.parse(draft.body.toString())
        draft.body = Buffer.from(JSON.stringify(broken(value, dice)))
      }
    }
  ],
  [
    4,
    (draft, dice) => {
      const made = dice.pick(brokenTexts)(draft.body?.toString() ?? "{}")
      draft.body = typeof made === "string" ? Buffer.from(made) : made
    }
  ],
  [1, (draft, dice) => (draft.headers["content-type"] = dice.pick(contentTypes))],
  [
    4,
    (draft, dice) => {
      const segments = draft.path.split("/")
      const at = 1 + dice.below(segments.length - 1)
      draft.path = segments.map((segment, i) => (i === at ? dice.pick(wrongSegments) : segment)).join("/")
    }
  ],
  [4, (draft, dice) => (draft.rawQuery = dice.pick(wrongQueries))],
  [
    3,
    (draft, dice) => {
      if (draft.query.length === 0) return void (draft.rawQuery = `x=${dice.pick(wrongSegments)}`)
      const at = dice.below(draft.query.length)
      draft.query = draft.query.map(([name, value], i) =>
        i === at ? [name, String(dice.pick(wrongValues)).slice(0, 2_000)] : [name, value]
      )
    }
  ],
  [
    3,
    (draft, dice) => {
      const [name, value] = dice.pick(wrongHeaders)
      draft.headers[name] = value
    }
  ],
  [
    1,
    (draft, dice) => {
      const names = Object.keys(draft.headers)
      if (names.length > 0) delete draft.headers[dice.pick(names)]
    }
  ],
  [2, (draft, dice) => (draft.method = dice.pick(verbs))],
  [0.1, (draft, dice) => (draft.headers["authorization"] = dice.pick(credentials))]
]
const total = faults.reduce((sum, [weight]) => sum + weight, 0)

/** One thing is wrong with it, sometimes two. A body that was broken as a text is no value any more. */
export const breakIt = (draft: Draft, dice: Dice): void => {
  let left = (dice.below(1_000_000) / 1_000_000) * total
  for (const [weight, fault] of faults) {
    left -= weight
    if (left < 0) return fault(draft, dice)
  }
}
