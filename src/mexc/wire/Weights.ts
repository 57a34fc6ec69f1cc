/**
 * What a request costs of the per-address pool of 300 per 10 s, in the newer and heavier of the documented readings.
 * Endpoints not listed cost 1.
 */
export const weights = {
  "GET /exchangeInfo": 25,
  "GET /depth": 3,
  "GET /trades": 5,
  "GET /ticker/24hr": 25,
  "GET /ticker/price": 10,
  "GET /ticker/bookTicker": 10,
  "GET /account": 10,
  "GET /order": 2,
  "GET /openOrders": 3,
  "GET /allOrders": 10,
  "GET /myTrades": 10,
  "GET /tradeFee": 20
} as const

const known = new Map<string, number>(Object.entries(weights))

/** `path` without the `/api/v3` prefix. */
export const weightOf = (method: string, path: string): number => known.get(`${method} ${path}`) ?? 1

/** Requests that count into the 12 order operations a second of an account. */
export const isOrderOperation = (method: string, path: string): boolean =>
  (method === "POST" && path === "/order") ||
  (method === "DELETE" && (path === "/order" || path === "/openOrders" || path === "/order/all"))
