/**
 * Every endpoint this client can call, with what it costs of the per-address pool of 300 per 10 s, in the newer and
 * heavier of the documented readings. A call can only name one of these.
 */
export const weights = {
  "GET /ping": 1,
  "GET /time": 1,
  "GET /defaultSymbols": 1,
  "GET /symbol/offline": 10,
  "GET /exchangeInfo": 25,
  "GET /depth": 3,
  "GET /trades": 5,
  "GET /historicalTrades": 1,
  "GET /aggTrades": 1,
  "GET /klines": 1,
  "GET /avgPrice": 1,
  "GET /ticker/24hr": 25,
  "GET /ticker/price": 10,
  "GET /ticker/bookTicker": 10,

  "GET /account": 10,
  "GET /tradeFee": 20,
  "GET /selfSymbols": 1,
  "GET /mxDeduct/enable": 1,
  "POST /mxDeduct/enable": 1,
  "GET /kyc/status": 1,
  "GET /uid": 1,

  "POST /order": 1,
  "POST /order/test": 1,
  "POST /batchOrders": 1,
  "DELETE /order": 1,
  "DELETE /openOrders": 1,
  "DELETE /order/all": 1,
  "GET /order": 2,
  "GET /openOrders": 3,
  "GET /allOrders": 10,
  "GET /myTrades": 10,

  "GET /capital/config/getall": 10,
  "GET /capital/deposit/hisrec": 10,
  "GET /capital/withdraw/history": 1,
  "GET /capital/transfer": 1,
  /** Only to see that a key may not do it. */
  "DELETE /capital/withdraw": 1,

  "POST /userDataStream": 1,
  "GET /userDataStream": 1,
  "PUT /userDataStream": 1,
  "DELETE /userDataStream": 1
} as const

/** Method and path without the `/api/v3` prefix. */
export type Endpoint = keyof typeof weights

const methods = ["GET", "POST", "PUT", "DELETE"] as const

export const methodOf = (endpoint: Endpoint): (typeof methods)[number] =>
  methods.find((method) => endpoint.startsWith(`${method} `)) ?? "GET"

/** Without the `/api/v3` prefix. */
export const pathOf = (endpoint: Endpoint): string => endpoint.slice(endpoint.indexOf(" ") + 1)

const known = new Map<string, number>(Object.entries(weights))

/** Of any endpoint; one that is not listed costs 1 at least. */
export const weightOf = (method: string, path: string): number => known.get(`${method} ${path}`) ?? 1

const orderOperations: ReadonlySet<Endpoint> = new Set([
  "POST /order",
  "POST /batchOrders",
  "DELETE /order",
  "DELETE /openOrders",
  "DELETE /order/all"
])

/** Counts into the 12 order operations a second of an account. */
export const isOrderOperation = (endpoint: Endpoint): boolean => orderOperations.has(endpoint)

/** Limited to two a second of an account by themselves. */
export const isTwicePerSecond = (endpoint: Endpoint): boolean =>
  endpoint === "GET /account" || endpoint === "POST /batchOrders"
