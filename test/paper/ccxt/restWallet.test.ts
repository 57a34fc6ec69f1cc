import { assert, layer } from "@effect/vitest"
import ccxt from "ccxt"
import { Effect } from "effect"
import { PaperExchange } from "../../../src/paper/PaperExchange.ts"
import { ask, ccxtAt, freshCcxt, refusal, roomyExchange } from "../kit/ccxtClient.ts"
import type { Json } from "../kit/SignedClient.ts"

const day = 86_400_000

layer(PaperExchange.layer(roomyExchange), { excludeTestServices: true })("an independent client moves money", (it) => {
  it.effect("deposits that an operator makes arrive and are listed", () =>
    Effect.gen(function* () {
      const { client, hand } = yield* freshCcxt({ USDT: "100" })
      yield* hand.control("POST", "/paper/v1/deposit", {
        accessKey: client.apiKey,
        asset: "USDT",
        amount: "25.5",
        network: "TRX",
        txId: "feed"
      })
      const deposits = yield* ask(() => client.fetchDeposits("USDT"))
      assert.lengthOf(deposits, 2)
      assert.deepInclude(deposits[1], {
        type: "deposit",
        currency: "USDT",
        amount: 25.5,
        network: "TRC20",
        status: "ok",
        txid: "feed"
      })
      assert.strictEqual(deposits[1].info.coin, "USDT-TRX")
      assert.isEmpty(yield* ask(() => client.fetchDeposits("BTC")))
      assert.lengthOf(yield* ask(() => client.fetchDeposits("USDT", undefined, 1)), 1)
      assert.deepInclude((yield* ask(() => client.fetchBalance())).USDT, { free: 125.5 })
    })
  )

  it.effect("deposits reach back ninety days, a week at a time", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      yield* ask(() => client.loadMarkets())
      const now = client.milliseconds()
      assert.lengthOf(yield* ask(() => client.fetchDeposits(undefined, now - 6 * day)), 2)
      assert.isEmpty(yield* ask(() => client.fetchDeposits(undefined, now - 30 * day)))
      const early = yield* refusal(() => client.fetchDeposits(undefined, now - 91 * day))
      assert.instanceOf(early, ccxt.BadRequest)
      assert.match(String(early), /cannot be earlier than 90 days/)
      const wide = () => client.fetchDeposits(undefined, now - 20 * day, undefined, { endTime: now })
      assert.match(String(yield* refusal(wide)), /"code":400/)
      const reversed = () => client.fetchWithdrawals(undefined, now, undefined, { endTime: now - day })
      assert.match(String(yield* refusal(reversed)), /"code":400/)
    })
  )

  it.effect("deposit addresses exist for every chain of a coin and cannot be mistaken for real ones", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const byNetwork = yield* ask(() => client.fetchDepositAddressesByNetwork("USDT"))
      assert.sameMembers(Object.keys(byNetwork), ["ERC20", "TRC20", "BEP20"])
      for (const { address } of Object.values<Json>(byNetwork)) assert.match(address, /^paper-/)
      const one = yield* ask(() => client.fetchDepositAddress("USDT", { network: "TRC20" }))
      assert.deepInclude(one, { currency: "USDT", network: "TRC20", address: byNetwork.TRC20.address })
      assert.strictEqual((yield* ask(() => client.fetchDepositAddress("USDT"))).address, byNetwork.ERC20.address)
      const made = yield* ask(() => client.createDepositAddress("XRP", { network: "XRP" }))
      assert.deepInclude(made, { currency: "XRP", network: "XRP" })
      assert.isString(made.tag)
      const { client: other } = yield* freshCcxt()
      assert.notStrictEqual((yield* ask(() => other.fetchDepositAddress("USDT"))).address, byNetwork.ERC20.address)
    })
  )

  it.effect("a withdrawal takes amount and fee together, and is listed", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt({ USDT: "100" })
      const params = { network: "TRC20", remark: "rent", withdrawOrderId: "w1" }
      const { id } = yield* ask(() => client.withdraw("USDT", 40, "TReceiverOfThisTest", "77", params))
      assert.isString(id)
      const [withdrawal] = yield* ask(() => client.fetchWithdrawals("USDT"))
      assert.deepInclude(withdrawal, {
        id,
        type: "withdrawal",
        currency: "USDT",
        network: "TRC20",
        address: "TReceiverOfThisTest",
        tag: "77",
        comment: "rent",
        amount: 39,
        status: "ok"
      })
      assert.deepInclude(withdrawal.fee, { cost: 1, currency: "USDT" })
      assert.deepInclude(withdrawal.info, { withdrawOrderId: "w1", transferType: 0, netWork: "TRX" })
      assert.deepInclude((yield* ask(() => client.fetchBalance())).USDT, { free: 60 })
      const { data } = yield* ask(() => client.spotPrivateGetCapitalWithdrawAddress({ coin: "USDT" }))
      assert.deepInclude(data[0], { coin: "USDT", netWork: "TRX", address: "TReceiverOfThisTest", addressTag: "rent" })
    })
  )

  it.effect("a withdrawal that cannot be is refused and changes nothing", () =>
    Effect.gen(function* () {
      const { client, hand, url } = yield* freshCcxt({ USDT: "100" })
      yield* ask(() => client.loadMarkets())
      const withdraw = (amount: number, params = {}) =>
        refusal(() =>
          client.withdraw("USDT", amount, "TReceiverOfThisTest", undefined, { network: "TRC20", ...params })
        )
      assert.instanceOf(yield* withdraw(1000), ccxt.InsufficientFunds)
      assert.match(String(yield* withdraw(2)), /10097/)
      assert.match(String(yield* withdraw(50, { network: "DOGE" })), /33333/)
      const unknown = () => client.spotPrivatePostCapitalWithdraw({ coin: "NOPE", address: "x", amount: 1 })
      assert.match(String(yield* refusal(unknown)), /10232/)
      const cancelled = yield* refusal(() => client.spotPrivateDeleteCapitalWithdraw({ id: "1" }))
      assert.match(String(cancelled), /22222/)
      assert.deepInclude((yield* ask(() => client.fetchBalance())).USDT, { free: 100 })

      const accessKey = `${client.apiKey}trader`
      yield* hand.control("POST", "/paper/v1/accounts", { accessKey, secretKey: "s", balances: { USDT: "100" } })
      const trader = ccxtAt(url, accessKey, "s")
      const forbidden = yield* refusal(() => trader.withdraw("USDT", 50, "TReceiverOfThisTest"))
      assert.instanceOf(forbidden, ccxt.AuthenticationError)
      assert.match(String(forbidden), /700007/)
    })
  )

  it.effect("transfers between wallets are made, found and listed", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt({ USDT: "100" })
      const made = yield* ask(() => client.transfer("USDT", 30, "spot", "swap"))
      assert.deepInclude(made, { currency: "USDT", amount: 30, fromAccount: "spot", toAccount: "swap" })
      assert.deepInclude((yield* ask(() => client.fetchBalance())).USDT, { free: 70 })
      const back = yield* ask(() => client.transfer("USDT", 10, "swap", "spot"))
      assert.deepInclude((yield* ask(() => client.fetchBalance())).USDT, { free: 80 })

      const listed = (fromAccountType: string, toAccountType: string) =>
        ask(() => client.fetchTransfers("USDT", undefined, 10, { fromAccountType, toAccountType }))
      const [out, ...rest] = yield* listed("SPOT", "FUTURES")
      assert.deepInclude(out, { id: made.id, amount: 30, fromAccount: "spot", toAccount: "swap", status: "ok" })
      assert.isEmpty(rest)
      assert.strictEqual((yield* listed("FUTURES", "SPOT"))[0].id, back.id)
      const found = yield* ask(() => client.fetchTransfer(made.id))
      assert.deepInclude(found, { id: made.id, currency: "USDT", amount: 30, fromAccount: "spot", toAccount: "swap" })
      const record = yield* ask(() => client.spotPrivateGetCapitalTransferTranId({ tranId: back.id }))
      assert.deepInclude(record, { tranId: back.id, fromAccountType: "FUTURES", toAccountType: "SPOT", amount: "10" })

      assert.instanceOf(yield* refusal(() => client.transfer("USDT", 500, "spot", "swap")), ccxt.InsufficientFunds)
      const lowerCase = () =>
        client.spotPrivatePostCapitalTransfer({
          asset: "USDT",
          amount: 1,
          fromAccountType: "spot",
          toAccountType: "FUTURES"
        })
      assert.match(String(yield* refusal(lowerCase)), /700008/)
      assert.match(String(yield* refusal(() => client.fetchTransfer("nothing"))), /22222/)
    })
  )

  it.effect("money is given to another account of the exchange", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt({ USDT: "100" })
      const { client: other } = yield* freshCcxt({ BTC: "1" })
      const { uid } = yield* ask(() => other.spotPrivateGetUid())
      yield* ask(() => client.withdraw("USDT", 20, uid, undefined, { internal: true, toAccountType: "UID" }))
      assert.deepInclude((yield* ask(() => client.fetchBalance())).USDT, { free: 80 })
      assert.deepInclude((yield* ask(() => other.fetchBalance())).USDT, { free: 20 })
      const { data } = yield* ask(() => client.spotPrivateGetCapitalTransferInternal())
      assert.deepInclude(data[0], {
        asset: "USDT",
        amount: "20",
        toAccountType: "UID",
        toAccount: uid,
        status: "SUCCESS"
      })
      const toNobody = () => client.withdraw("USDT", 1, "99999999", undefined, { internal: true, toAccountType: "UID" })
      assert.match(String(yield* refusal(toNobody)), /10001/)
    })
  )

  it.effect("dust becomes MX", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt({ USDT: "100", BTC: "0.00002", MX: "1" })
      yield* ask(() => client.spotPublicGetTickerPrice({ symbol: "MXUSDT" }))
      const [dust] = yield* ask(() => client.spotPrivateGetCapitalConvertList())
      assert.deepInclude(dust, { asset: "BTC", balance: "0.00002", convertUsdt: "1" })
      const done = yield* ask(() => client.spotPrivatePostCapitalConvert({ asset: "BTC,ETH" }))
      assert.deepInclude(done, { successList: ["BTC"], failedList: ["ETH"], totalConvert: dust.convertMx })
      const balances = yield* ask(() => client.fetchBalance())
      assert.isUndefined(balances.BTC)
      assert.approximately(balances.MX.free, 1 + Number(dust.convertMx) * 0.98, 1e-6)
      const { data } = yield* ask(() => client.spotPrivateGetCapitalConvert())
      assert.deepInclude(data[0].convertDetails[0], { asset: "BTC", amount: "0.00002" })
    })
  )

  it.effect("what a withdrawal would cost is told per chain", () =>
    Effect.gen(function* () {
      const { client } = yield* freshCcxt()
      const fees = yield* ask(() => client.fetchDepositWithdrawFees(["USDT"]))
      assert.deepInclude(fees.USDT.networks.ERC20.withdraw, { fee: 3 })
      assert.deepInclude(fees.USDT.networks["Tron(TRC20)"].withdraw, { fee: 1 }, "the client keeps the venue's label")
      const { withdraw } = yield* ask(() => client.fetchTransactionFees(["BTC"]))
      assert.include(Object.values(withdraw.BTC), 0.0001)
    })
  )
})
