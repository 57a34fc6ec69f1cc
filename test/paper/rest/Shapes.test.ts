import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { Permission } from "../../../src/paper/Requests.ts"
import { roomyExchange } from "../kit/ccxtClient.ts"
import { makeClient, type Json } from "../kit/SignedClient.ts"
import { apart, asked, refused } from "../kit/recordings.ts"
import { shapeDifferences } from "../kit/shape.ts"

const fixtures = join(process.env["DIPPER_REFERENCE"] ?? "../shared", "reference", "mexc-fixtures")
const isPresent = (() => {
  try {
    return readdirSync(fixtures).length > 0
  } catch {
    return false
  }
})()

const read = (file: string): Json => JSON.parse(readFileSync(join(fixtures, file), "utf8"))

const recordedFiles = () =>
  readdirSync(fixtures)
    .filter((folder) => !folder.startsWith("ws-") && !folder.includes("."))
    .flatMap((folder) => readdirSync(join(fixtures, folder)).map((file) => `${folder}/${file}`))

const exchange = PaperExchange.layer({
  ...roomyExchange,
  restrictions: { XRPUSDT: { marketOrders: false }, SOLUSDT: { status: "2" } }
})

let opened = 0
/** An account with something of everything: orders in every state, trades, deposits, withdrawals, transfers, keys. */
const busy = Effect.gen(function* () {
  const { url } = yield* PaperExchange
  const accessKey = `mx0shape${++opened}`
  const client = makeClient(url, accessKey, "secret")
  const permissions = Permission.literals
  const balances = { USDT: "10000", BTC: "1", DOGE: "3" }
  const { body: other } = yield* client.control("POST", "/paper/v1/accounts", {
    accessKey: `${accessKey}other`,
    secretKey: "secret"
  })
  yield* client.control("POST", "/paper/v1/accounts", { accessKey, secretKey: "secret", balances, permissions })
  for (const price of ["50000", "50001", "50000"]) {
    yield* client.control("POST", "/paper/v1/price", { symbol: "BTCUSDT", price, quantity: "0.1", takerSide: "buy" })
  }
  yield* client.control("POST", "/paper/v1/price", { symbol: "MXUSDT", price: "2.5" })
  const symbol = { symbol: "BTCUSDT" }
  const place = (wish: Record<string, string>) => client.signed("POST", "/api/v3/order", wish)
  yield* place({ ...symbol, side: "BUY", type: "MARKET", quantity: "0.001", newClientOrderId: "bought" })
  yield* place({
    ...symbol,
    side: "BUY",
    type: "LIMIT",
    quantity: "0.01",
    price: "48000",
    newClientOrderId: "to-cancel"
  })
  yield* place({ symbol: "MXUSDT", side: "BUY", type: "LIMIT", quantity: "10", price: "2.2" })
  const post = (path: string, parameters: Record<string, string>) =>
    Effect.map(client.signed("POST", path, parameters), ({ body }) => body)
  yield* post("/api/v3/capital/withdraw", { coin: "USDT", netWork: "TRX", address: "TOther", amount: "9", remark: "r" })
  const { tranId } = yield* post("/api/v3/capital/transfer", {
    ...{ asset: "USDT", amount: "2" },
    ...{ fromAccountType: "SPOT", toAccountType: "FUTURES" }
  })
  const give = { asset: "USDT", amount: "3", toAccountType: "UID", toAccount: other.accountId }
  yield* post("/api/v3/capital/transfer/internal", give)
  const { listenKey } = yield* post("/api/v3/userDataStream", {})
  return { client, url, tranId, listenKey, give }
})

/** Parameters that are only known once the account is there. */
const filledIn = (file: string, { give, listenKey, tranId }: Effect.Effect.Success<typeof busy>) => {
  if (/^(put|delete)-userdatastream/.test(file)) return { listenKey }
  if (file.startsWith("get-capital-transfer-tranid")) return { tranId }
  return file.startsWith("post-capital-transfer-internal") ? give : {}
}

describe.skipIf(!isPresent)("the shapes of the paper exchange's answers", () => {
  it("are compared for every recorded answer", () => {
    const known = new Set([...Object.keys(asked), ...Object.keys(refused), ...Object.keys(apart)])
    assert.deepStrictEqual(
      recordedFiles().filter((file) => !known.has(file)),
      []
    )
  })

  layer(exchange, { excludeTestServices: true })((it) => {
    for (const [file, { method = "GET", parameters, part, path, ...allowed }] of Object.entries(asked)) {
      it.effect(`agree with ${file}`, () =>
        Effect.gen(function* () {
          const account = yield* busy
          if (file.startsWith("get-capital-convert/")) {
            yield* account.client.signed("POST", "/api/v3/capital/convert", { asset: "DOGE" })
          }
          const { body, status } = yield* account.client.signed(method, path, {
            ...parameters,
            ...filledIn(file, account)
          })
          assert.strictEqual(status, 200, JSON.stringify(body))
          const differences = shapeDifferences(read(file), part === undefined ? body : part(body), allowed)
          assert.deepStrictEqual(differences, [])
        })
      )
    }

    for (const [file, { method = "GET", parameters, path }] of Object.entries(refused)) {
      it.effect(`refuse as ${file}`, () =>
        Effect.gen(function* () {
          const { client } = yield* busy
          const { body, status } = yield* client.signed(method, path, parameters)
          assert.strictEqual(status, 400)
          assert.deepStrictEqual(body, read(file))
        })
      )
    }

    it.effect("refuse an unknown key and a wrong signature in the recorded words", () =>
      Effect.gen(function* () {
        const { client, url } = yield* busy
        const { body: unknown } = yield* makeClient(url, "mx0nobody", "secret").signed("GET", "/api/v3/account")
        assert.deepStrictEqual(unknown, read("errors/10072-api-key-invalid.json"))
        const { body: forged } = yield* makeClient(url, `mx0shape${opened}`, "wrong").signed("GET", "/api/v3/account")
        assert.deepStrictEqual(forged, read("errors/700002-bad-signature.json"))
        assert.isDefined(client)
      })
    )
  })
})
