/** Buys 50 USDT each time the price has fallen 8 % from its 24 h high. */
const dipRule = {
  name: "Buy the dip",
  symbol: "BTCUSDT",
  trigger: { type: "price.drop", percent: "8", from: { type: "highOf", window: "PT24H" } },
  size: { type: "quote", amount: "50" },
  execution: { type: "protectedMarket", maxSlippageBps: 50 },
  limits: { total: "1000", cooldown: "PT6H" }
}

/** Buys a ladder below a first buy, sells all of it 3 % above its average cost, and begins again. */
const ladderRule = {
  name: "Ladder of five",
  symbol: "BTCUSDT",
  trigger: { type: "price.drop", percent: "2", from: { type: "highOf", window: "PT1H" }, rearm: "cooldown" },
  size: { type: "quote", amount: "20" },
  ladder: { count: 5, stepPercent: "1.5", stepScale: "1.2", sizeScale: "1.5" },
  exit: { takeProfit: [{ gainPercent: "3" }], stopLoss: { lossPercent: "15" } },
  cycle: { afterExit: "restart", cooldown: "PT10M" },
  limits: { total: "5000", cooldown: "PT1M" }
}

/** One example per request body and for the answers most asked for; a test decodes each with its schema. */
export const examples: Readonly<Record<string, { readonly request?: unknown; readonly response?: unknown }>> = {
  placeOrder: {
    request: { symbol: "BTCUSDT", side: "buy", type: "market", quoteAmount: "50", maxSlippageBps: 50 }
  },
  previewOrder: {
    request: { symbol: "BTCUSDT", side: "buy", type: "limit", quantity: "0.001", price: "60000" }
  },
  closePosition: { request: { book: "manual", maxSlippageBps: 50 } },
  resolveOrder: {
    request: { outcome: "notPlaced", note: "Not in the order history of the exchange's own page." }
  },
  createRule: { request: dipRule },
  previewRule: { request: ladderRule },
  updateRule: { request: { ...dipRule, limits: { total: "2000", perDay: "100" } } },
  receiveSignal: {
    request: { id: "alert-2026-03-01-0900", at: "2026-03-01T09:00:00.000Z", token: "sig_the-token-that-was-shown-once" }
  },
  setHalt: { request: { halted: true, scope: "entries", cancelOpen: true, reason: "looking into it" } },
  setTradingLimits: {
    request: {
      user: { perDay: "200", perMonth: "2000", maxOpenOrders: 20 },
      assets: [{ asset: "BTC", maxShare: "0.5", maxPositionQuote: "1000" }]
    }
  },
  setCredentials: {
    request: { accessKey: "mx0vglExampleAccessKey", secretKey: "the-secret-that-was-shown-once" }
  },
  rotateCredentials: {
    request: { accessKey: "mx0vglExampleNextKey", secretKey: "the-secret-that-was-shown-once" }
  },
  freezeCredentials: { request: { reason: "the laptop with the key is lost" } },
  setAddressBinding: { request: { addressBound: true } },
  getCredentials: {
    response: {
      keyPrefix: "mx0v",
      fingerprint: "6be2efeeb3bb6cd4",
      permissions: ["read", "trade"],
      problem: null,
      frozen: { by: "user", reason: "the laptop with the key is lost", since: "2026-03-01T09:00:00.000Z" },
      addressBound: true,
      warnings: [],
      ageDays: 12,
      createdAt: "2026-02-17T08:00:00.000Z",
      checkedAt: "2026-03-01T07:12:44.120Z",
      lastUsedAt: "2026-03-01T08:59:58.003Z"
    }
  },
  updateAccountSettings: { request: { costBasis: "fifo" } },
  receiveClerkWebhook: {
    request: { type: "user.deleted", object: "event", timestamp: 1764324000000, data: { id: "user_2x", deleted: true } }
  },
  rotateKey: { request: { graceHours: 24 } },
  createKey: {
    request: { name: "read only, for the dashboard", scopes: ["read"], expiresInDays: 90, addresses: ["203.0.113.7"] }
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
