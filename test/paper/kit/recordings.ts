import type { Json } from "./SignedClient.ts"
import type { Allowances } from "./shape.ts"

export interface Asked extends Allowances {
  readonly method?: string
  readonly path: string
  readonly parameters?: Record<string, string>
  /** Of a payload that is a part of ours. */
  readonly part?: (body: Json) => Json
}

const symbol = { symbol: "BTCUSDT" }
const orderExtra = ["stpMode", "cancelReason"]
const inRows = (names: ReadonlyArray<string>, prefix = "[]") => names.map((name) => `${prefix}.${name}`)
const cancelledExtra = ["origClientOrderId", "clientOrderId", "executedQty", "cummulativeQuoteQty", "status"]
const order = { path: "/api/v3/order", parameters: { ...symbol, origClientOrderId: "bought" } }
const symbolExtra = ["conceptPlateIds", "contractAddress", "st", "filters[]"]
const placed = ["orderListId", "stpMode"]

/** What is asked of the paper exchange to set beside each recorded answer. */
export const asked: Record<string, Asked> = {
  "delete-openorders/btcusdt-minimal-2022.json": {
    method: "DELETE",
    path: "/api/v3/openOrders",
    parameters: { symbol: "MXUSDT" },
    extra: inRows(cancelledExtra)
  },
  "delete-order-all/success-2026-05.json": { method: "DELETE", path: "/api/v3/order/all" },
  "delete-order/btcusdt-minimal-2022.json": {
    method: "DELETE",
    path: "/api/v3/order",
    parameters: { ...symbol, origClientOrderId: "to-cancel" },
    extra: inRows(cancelledExtra, "")
  },
  "delete-userdatastream/docs.json": { method: "DELETE", path: "/api/v3/userDataStream" },
  "get-account/available-field-docs-2026.json": { path: "/api/v3/account" },
  "get-aggtrades/btcusdt-limit1-2024-03.json": { path: "/api/v3/aggTrades", parameters: symbol },
  "get-allorders/atlasusdt-market-sell-filled-2024-02.json": {
    path: "/api/v3/allOrders",
    parameters: symbol,
    extra: inRows(orderExtra)
  },
  "get-announcements/two.json": { path: "/api/v3/announcements" },
  "get-avgprice/docs.json": { path: "/api/v3/avgPrice", parameters: symbol },
  "get-capital-config-getall/qanx-two-networks-2022.json": {
    path: "/api/v3/capital/config/getall",
    extra: inRows(["netWork", "withdrawTips", "depositTips"], "[].networkList[]")
  },
  "get-capital-convert-list/two-assets.json": { path: "/api/v3/capital/convert/list" },
  "get-capital-convert/two-conversions.json": { path: "/api/v3/capital/convert" },
  "get-capital-deposit-address/usdt-three-networks-docs.json": {
    path: "/api/v3/capital/deposit/address",
    parameters: { coin: "USDT" },
    extra: ["[].netWork"]
  },
  "get-capital-deposit-hisrec/usdc-trx-2022.json": { path: "/api/v3/capital/deposit/hisrec" },
  "get-capital-transfer-internal/two-rows.json": { path: "/api/v3/capital/transfer/internal" },
  "get-capital-transfer-tranid/spot-to-futures.json": { path: "/api/v3/capital/transfer/tranId" },
  "get-capital-transfer/two-rows.json": {
    path: "/api/v3/capital/transfer",
    parameters: { fromAccountType: "SPOT", toAccountType: "FUTURES" }
  },
  "get-capital-withdraw-address/usdt-two.json": { path: "/api/v3/capital/withdraw/address" },
  "get-capital-withdraw-history/usdc-matic-success-2022.json": {
    path: "/api/v3/capital/withdraw/history",
    extra: ["[].withdrawOrderId"]
  },
  "get-defaultsymbols/2025-12.json": { path: "/api/v3/defaultSymbols" },
  "get-depth/btcusdt-limit1-2024-01.json": { path: "/api/v3/depth", parameters: { ...symbol, limit: "1" } },
  "get-exchangeinfo/btcusdt-docs-2025-12.json": {
    path: "/api/v3/exchangeInfo",
    parameters: symbol,
    without: [".symbols[].conceptPlateIds[]"]
  },
  "get-exchangeinfo/symbol-entries-btc-ltc-ada-2024.json": {
    path: "/api/v3/exchangeInfo",
    part: (body) => body.symbols,
    extra: inRows(symbolExtra)
  },
  ...Object.fromEntries(
    ["btcusdt-1m-docs", "btcusdt-5m-limit100-2025-12", "btcusdt-5m-nolimit-2025-12"].map((name) => [
      `get-klines/${name}.json`,
      { path: "/api/v3/klines", parameters: { ...symbol, interval: "5m" } }
    ])
  ),
  "get-kyc-status/netlib.json": { path: "/api/v3/kyc/status" },
  "get-mxdeduct/enabled.json": { path: "/api/v3/mxDeduct/enable" },
  "get-mytrades/self-trade-docs.json": { path: "/api/v3/myTrades", parameters: symbol },
  "get-openorders/btcusdt-limit-sell-2022.json": { path: "/api/v3/openOrders", extra: inRows(orderExtra) },
  "get-order/btcusdt-limit-canceled-2022.json": { ...order, extra: inRows(orderExtra, "") },
  "get-order/btcusdt-limit-partially-filled.json": {
    ...order,
    extra: inRows(
      [
        ...orderExtra,
        ...["orderListId", "clientOrderId", "timeInForce", "stopPrice", "icebergQty", "time", "updateTime"],
        ...["isWorking", "origQuoteOrderQty"]
      ],
      ""
    )
  },
  "get-order/kasusdt-market-buy-filled-2025.json": {
    ...order,
    extra: inRows(
      [...orderExtra, "orderListId", "timeInForce", "stopPrice", "icebergQty", "isWorking", "origQuoteOrderQty"],
      ""
    )
  },
  "get-ping/empty.json": { path: "/api/v3/ping" },
  "get-selfsymbols/docs.json": { path: "/api/v3/selfSymbols", extra: [".timestamp"] },
  "get-symbol-offline/docs.json": { path: "/api/v3/symbol/offline" },
  "get-ticker-24hr/btcusdt-2024-03.json": { path: "/api/v3/ticker/24hr", parameters: symbol },
  "get-ticker-24hr/btcusdt-2025-12.json": { path: "/api/v3/ticker/24hr", parameters: symbol },
  "get-ticker-bookticker/aeusdt-docs.json": { path: "/api/v3/ticker/bookTicker" },
  "get-ticker-bookticker/all-trimmed-2025-12.json": { path: "/api/v3/ticker/bookTicker" },
  "get-ticker-price/all-trimmed-2025-12.json": { path: "/api/v3/ticker/price" },
  "get-ticker-price/symbols-param-ignored-2025-12.json": {
    path: "/api/v3/ticker/price",
    parameters: { symbols: "BTCUSDT" }
  },
  "get-time/2022.json": { path: "/api/v3/time" },
  "get-time/2025-12.json": { path: "/api/v3/time" },
  "get-tradefee/docs.json": { path: "/api/v3/tradeFee", parameters: symbol },
  "get-trades/btcusdt-limit10-2025-12.json": { path: "/api/v3/trades", parameters: symbol },
  "get-trades/btcusdt-two-sides-2026-09.json": {
    path: "/api/v3/trades",
    parameters: symbol,
    extra: inRows(["id", "quoteQty", "isBestMatch"])
  },
  "get-trades/ethusdt-2025-01.json": { path: "/api/v3/historicalTrades", parameters: symbol },
  "get-uid/docs.json": { path: "/api/v3/uid" },
  "get-userdatastream/three-keys-docs.json": { path: "/api/v3/userDataStream" },
  "post-batchorders/one-accepted-one-rejected.json": {
    method: "POST",
    path: "/api/v3/batchOrders",
    parameters: {
      batchOrders: JSON.stringify([
        { ...symbol, side: "BUY", type: "LIMIT", quantity: "0.001", price: "49000", newClientOrderId: "batch1" },
        { ...symbol, side: "BUY", type: "LIMIT", quantity: "0.000001", price: "49000", newClientOrderId: "batch2" }
      ])
    },
    extra: inRows([...placed, "transactTime"]),
    // Written by a test author; the venue's own samples have no status.
    without: ["[].status"]
  },
  "post-capital-convert/two-ok.json": {
    method: "POST",
    path: "/api/v3/capital/convert",
    parameters: { asset: "DOGE" },
    extra: [".failedList[]"]
  },
  "post-capital-deposit-address/eos-docs.json": {
    method: "POST",
    path: "/api/v3/capital/deposit/address",
    parameters: { coin: "XRP", network: "XRP" },
    extra: [".netWork", ".tag"]
  },
  "post-capital-transfer-internal/ok.json": { method: "POST", path: "/api/v3/capital/transfer/internal" },
  "post-capital-transfer/ok.json": {
    method: "POST",
    path: "/api/v3/capital/transfer",
    parameters: { asset: "USDT", amount: "1", fromAccountType: "SPOT", toAccountType: "FUTURES" }
  },
  "post-capital-withdraw/ok.json": {
    method: "POST",
    path: "/api/v3/capital/withdraw",
    parameters: { coin: "USDT", netWork: "TRX", address: "TReceiver", amount: "10", remark: "shape" }
  },
  "post-mxdeduct/enabled.json": {
    method: "POST",
    path: "/api/v3/mxDeduct/enable",
    parameters: { mxDeductEnable: "true" }
  },
  "post-order-test/netlib.json": {
    method: "POST",
    path: "/api/v3/order/test",
    parameters: { ...symbol, side: "BUY", type: "MARKET", quantity: "0.001" }
  },
  "post-order/kasusdt-market-buy-ack.json": {
    method: "POST",
    path: "/api/v3/order",
    parameters: { ...symbol, side: "BUY", type: "MARKET", quantity: "0.001" },
    extra: inRows(placed, ""),
    without: [".executedQty"]
  },
  "post-order/netlib-mxusdt.json": {
    method: "POST",
    path: "/api/v3/order",
    parameters: { ...symbol, side: "BUY", type: "LIMIT", quantity: "0.001", price: "49000" },
    extra: inRows(["stpMode"], "")
  },
  "post-userdatastream/docs.json": { method: "POST", path: "/api/v3/userDataStream" },
  "put-userdatastream/docs.json": { method: "PUT", path: "/api/v3/userDataStream" }
}

/** Recorded refusals: the very code and text. */
export const refused: Record<string, Asked> = {
  "errors/-1121-invalid-symbol.json": { path: "/api/v3/depth", parameters: { symbol: "NOPE" } },
  "errors/30019-api-market-order-disabled.json": {
    method: "POST",
    path: "/api/v3/order",
    parameters: { symbol: "XRPUSDT", side: "BUY", type: "MARKET", quantity: "10" }
  }
}

/** Recorded, and not asked for here, with the reason. */
export const apart: Record<string, string> = {
  "delete-capital-withdraw/ok.json": "withdrawals are done at once, none can be taken back",
  "errors/10072-api-key-invalid.json": "below, with a key of its own",
  "errors/700002-bad-signature.json": "below, with a secret of its own",
  "errors/500-maintenance.json": "a planned fault",
  "errors/70011-pair-banned-for-key.json": "keys have no list of pairs here",
  "get-sub-account-asset/two-assets.json": "accounts have no sub-accounts here",
  "post-strategy-group/created-docs.json": "accounts have no strategy groups here"
}
