/**
 * The venue's code table, written a second time: code, class, what may follow. `no`: fix first · `wait`: after a pause ·
 * `check`: only asking tells · `resync`: set the clock right and send once more.
 */
export type Row = readonly [code: number, codeClass: string, retry: "no" | "wait" | "check" | "resync"]

const all = (codes: ReadonlyArray<number>, codeClass: string, retry: Row[2]): ReadonlyArray<Row> =>
  codes.map((code) => [code, codeClass, retry] as const)

export const codeTable: ReadonlyArray<Row> = [
  ...all([-1121, -1128, 400, 10095, 10096, 10097, 10099, 10102, 10222, 10232, 22222], "input", "no"),
  ...all([30002, 30003, 30014, 30021, 30026, 30029, 33333, 44444], "input", "no"),
  ...all([140001, 140002, 730600, 730699, 700004, 700005, 700008, 700013], "input", "no"),
  ...all([730001, 730002, 730003, 730100, 730700, 730707, 88004, 88015], "input", "no"),
  ...all([603], "input", "check"),
  ...all([-2011, -2013], "orderState", "check"),
  ...all([401, 402, 602, 10001, 10015, 10072, 700001, 700002], "auth", "no"),
  ...all([26, 406, 511, 701, 702, 703, 704, 10007, 10100, 10103, 10206, 10211], "permission", "no"),
  ...all([30020, 70011, 700006, 700007], "permission", "no"),
  ...all([403], "rate", "wait"),
  ...all([418, 429, 510], "rate", "wait"),
  ...all([500, 501, 503, 504, 10200, 10201, 10202, 10219, 10259, 20001, 20002, 730000], "venue", "check"),
  ...all([604, 801, 11444, 10216], "venue", "wait"),
  ...all([10073, 700003], "time", "resync"),
  ...all([10098, 10212, 10265, 30027, 30028, 30032, 60005], "risk", "no"),
  ...all([10101, 30004, 30005], "funds", "no"),
  ...all([30000, 30016], "symbol", "wait"),
  ...all([30001, 30018, 30019, 30041, 30051], "symbol", "no"),
  ...all([30010, 30025], "market", "wait"),
  ...all([30087], "market", "no")
]
