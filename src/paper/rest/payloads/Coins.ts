import { createHash } from "node:crypto"
import * as Decimal from "../../../domain/Decimal.ts"
import type { Pair } from "../../engine/Pair.ts"

/** One chain a coin can be deposited and withdrawn on. The venue calls its short id `netWork`, its label `network`. */
export interface Network {
  readonly netWork: string
  readonly network: string
  readonly confirmations: number
  readonly memo: boolean
  readonly fee: Decimal.Decimal
  readonly min: Decimal.Decimal
}

const chains = {
  ETH: ["Ethereum(ERC20)", 12],
  TRX: ["Tron(TRC20)", 20],
  BSC: ["BNB Smart Chain(BEP20)", 61],
  SOL: ["Solana(SOL)", 100],
  BTC: ["Bitcoin(BTC)", 2],
  XRP: ["Ripple(XRP)", 1],
  DOGE: ["Dogecoin(DOGE)", 30]
} as const

const on = (netWork: keyof typeof chains, fee: string, min: string): Network => ({
  netWork,
  network: chains[netWork][0],
  confirmations: chains[netWork][1],
  memo: netWork === "XRP",
  fee: Decimal.unsafe(fee),
  min: Decimal.unsafe(min)
})

const networks: Readonly<Record<string, ReadonlyArray<Network>>> = {
  BTC: [on("BTC", "0.0001", "0.0005")],
  ETH: [on("ETH", "0.001", "0.01")],
  USDT: [on("ETH", "3", "10"), on("TRX", "1", "5"), on("BSC", "0.5", "5")],
  USDC: [on("ETH", "3", "10"), on("SOL", "0.5", "5")],
  SOL: [on("SOL", "0.005", "0.05")],
  XRP: [on("XRP", "0.25", "10")],
  DOGE: [on("DOGE", "4", "20")],
  MX: [on("ETH", "1", "5")],
  PEPE: [on("ETH", "200000", "1000000")]
}
/** A coin of a recording or of a mirrored venue that this table does not know. */
const ordinary: ReadonlyArray<Network> = [on("ETH", "0", "0.00000001")]

export const networksOf = (coin: string): ReadonlyArray<Network> => networks[coin] ?? ordinary

/** By short id or by label: clients send either. */
export const findNetwork = (coin: string, name: string): Network | undefined =>
  networksOf(coin).find(({ network, netWork }) => network === name || netWork === name)

const quoteNames: Readonly<Record<string, string>> = { USDT: "Tether", USDC: "USDCoin" }

/** Every coin of the listed pairs with its long name. */
export const coinsOf = (pairs: ReadonlyArray<Pair>): ReadonlyMap<string, string> => {
  const names = new Map<string, string>()
  for (const { listing } of pairs) names.set(listing.baseAsset, listing.fullName)
  for (const { listing } of pairs) {
    const { quoteAsset } = listing
    if (!names.has(quoteAsset)) names.set(quoteAsset, quoteNames[quoteAsset] ?? quoteAsset)
  }
  return names
}

/** In the history a token carries its chain: `USDT-TRX`. */
export const coinOnNetwork = (coin: string, netWork: string): string => (coin === netWork ? coin : `${coin}-${netWork}`)

/** Never of a real chain's form: coins sent to an invented address would be gone. */
export const depositAddress = (accountId: string, netWork: string): string =>
  `paper-${netWork.toLowerCase()}-${createHash("sha256").update(`${accountId}/${netWork}`).digest("hex").slice(0, 32)}`

export const memoOf = (accountId: string, network: Network): string | null => (network.memo ? accountId : null)

/** The venue writes chain amounts with all decimals of the chain. */
const chainDecimals = 18
const withChainDecimals = (amount: Decimal.Decimal): string => {
  const [whole = "0", fraction = ""] = Decimal.format(amount).split(".")
  return `${whole}.${fraction.padEnd(chainDecimals, "0")}`
}

const largestWithdrawal = Decimal.unsafe("1000000000")

/** An entry of `capital/config/getall`. */
export const coin = (asset: string, name: string) => ({
  coin: asset,
  name,
  networkList: networksOf(asset).map((each) => ({
    coin: asset,
    depositDesc: null,
    depositEnable: true,
    minConfirm: each.confirmations,
    name,
    network: each.network,
    netWork: each.netWork,
    withdrawEnable: true,
    withdrawFee: withChainDecimals(each.fee),
    withdrawIntegerMultiple: null,
    withdrawMax: withChainDecimals(largestWithdrawal),
    withdrawMin: withChainDecimals(each.min),
    sameAddress: false,
    contract: "",
    withdrawTips: null,
    depositTips: null
  }))
})
