/** One example per request body and for the answers most asked for; a test decodes each with its schema. */
export const examples: Readonly<Record<string, { readonly request?: unknown; readonly response?: unknown }>> = {
  placeOrder: {
    request: { symbol: "BTCUSDT", side: "buy", type: "market", quoteAmount: "50", maxSlippageBps: 50 }
  },
  previewOrder: {
    request: { symbol: "BTCUSDT", side: "buy", type: "limit", quantity: "0.001", price: "60000" }
  },
  setCredentials: {
    request: { accessKey: "mx0vglExampleAccessKey", secretKey: "the-secret-that-was-shown-once" }
  },
  rotateCredentials: {
    request: { accessKey: "mx0vglExampleNextKey", secretKey: "the-secret-that-was-shown-once" }
  },
  createKey: {
    request: { name: "read only, for the dashboard", scopes: ["read"], expiresInDays: 90 }
  },
  getTicker: {
    response: {
      symbol: "BTCUSDT",
      last: "97112.4",
      bid: "97112.39",
      bidQuantity: "1.204",
      ask: "97112.41",
      askQuantity: "0.871",
      open: "98201.1",
      high: "99512",
      low: "96010.55",
      volume: "10234.8811",
      quoteVolume: "998123441.12",
      changePercent: -1.11,
      asOf: "2026-03-01T09:00:00.000Z",
      source: "ws",
      stale: false
    }
  }
}
