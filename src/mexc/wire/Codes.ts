/** The venue's error codes. Messages may be Chinese: everything is decided on the number. */

export type CodeClass =
  "input" | "auth" | "permission" | "funds" | "symbol" | "market" | "risk" | "orderState" | "time" | "rate" | "venue"

/** no = fix first · wait = after back-off · check = reconcile, then maybe · resync = fix the clock, re-sign, once. */
export type CodeRetry = "no" | "wait" | "check" | "resync"

export interface CodeMeaning {
  readonly class: CodeClass
  readonly retry: CodeRetry
}

type Row = readonly [codes: ReadonlyArray<number>, codeClass: CodeClass, retry: CodeRetry]

const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

const rows: ReadonlyArray<Row> = [
  [[-1121, -1128], "input", "no"],
  [[-2011, -2013], "orderState", "check"],
  [[26], "permission", "no"],
  [[400], "input", "no"],
  [[401, 402], "auth", "no"],
  [[403], "permission", "wait"],
  [[406], "permission", "no"],
  [[418, 429, 510], "rate", "wait"],
  [[500, 501, 503, 504], "venue", "check"],
  [[511, ...range(701, 704)], "permission", "no"],
  [[602], "auth", "no"],
  // "Repeated request" may mean that the first one was booked.
  [[603], "input", "check"],
  [[604, 801, 11444], "venue", "wait"],
  [[10001, 10015, 10072], "auth", "no"],
  [[10007], "permission", "no"],
  [[10073], "time", "resync"],
  [[10095, 10096, 10097, 10102], "input", "no"],
  [[10098], "risk", "no"],
  [[10099, 140001, 140002, ...range(730600, 730699)], "input", "no"],
  [[10100, 10103, 10206, 10211], "permission", "no"],
  [[10101], "funds", "no"],
  [[10200, 10201, 10202, 10219], "venue", "check"],
  [[10212, 10265], "risk", "no"],
  [[10216], "venue", "wait"],
  [[10222, 10232], "input", "no"],
  [[20001, 20002, 10259], "venue", "check"],
  [[22222], "input", "no"],
  [[30000], "symbol", "wait"],
  [[30001], "symbol", "no"],
  [[30002, 30003], "input", "no"],
  [[30004, 30005], "funds", "no"],
  [[30010], "market", "wait"],
  [[30014, 30021], "input", "no"],
  [[30016], "symbol", "wait"],
  [[30018, 30019, 30051], "symbol", "no"],
  [[30020], "permission", "no"],
  [[30025], "market", "wait"],
  [[30026], "input", "no"],
  [[30027, 30028], "risk", "no"],
  [[30029], "input", "no"],
  [[30032], "risk", "no"],
  [[30041], "symbol", "no"],
  [[30087], "market", "no"],
  [[33333, 44444], "input", "no"],
  [[60005], "risk", "no"],
  [[70011], "permission", "no"],
  // Margin only; a spot request that meets one was wrong.
  [range(88004, 88015), "input", "no"],
  [[700001, 700002], "auth", "no"],
  [[700003], "time", "resync"],
  [[700004, 700005], "input", "no"],
  [[700006, 700007], "permission", "no"],
  [[700008, 700013], "input", "no"],
  [[730000], "venue", "check"],
  [[730001, 730002, 730003, 730100, ...range(730700, 730707)], "input", "no"]
]

const table = new Map<number, CodeMeaning>(
  rows.flatMap(([codes, codeClass, retry]) => codes.map((code) => [code, { class: codeClass, retry }] as const))
)

/** A code nobody has documented proves nothing about an order: it is treated like a fault of the venue. */
const undocumented: CodeMeaning = { class: "venue", retry: "check" }

export const meaningOf = (code: number): CodeMeaning => table.get(code) ?? undocumented

export const isDocumented = (code: number): boolean => table.has(code)

/** Wrapped successes carry one of these. */
export const isSuccessCode = (code: number): boolean => code === 0 || code === 200
