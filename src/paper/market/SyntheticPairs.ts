import type { Scales } from "./CandlePath.ts"

/** A pair of the synthetic market. Its price is `base × e^(Σ weight × walk)` over the walks it shares with others. */
export interface SyntheticPair {
  readonly symbol: string
  readonly baseAsset: string
  readonly quoteAsset: string
  readonly fullName: string
  readonly scales: Scales
  readonly base: number
  /** Deviation per day that each walk brings in, as a fraction. */
  readonly walks: Readonly<Record<string, number>>
  /** Average turnover per minute in the quote asset. */
  readonly turnover: number
  /** Share of a planted crash that this pair takes part in; 0 where base and quote fall alike. */
  readonly crashShare: number
}

type Row = readonly [
  base: string,
  quote: string,
  fullName: string,
  price: number,
  priceDecimals: number,
  quantityDecimals: number,
  turnover: number,
  walks: Readonly<Record<string, number>>
]

const rows: ReadonlyArray<Row> = [
  ["BTC", "USDT", "Bitcoin", 96_000, 2, 6, 900_000, { market: 0.019 }],
  ["ETH", "USDT", "Ethereum", 3_450, 2, 5, 600_000, { market: 0.022, ETH: 0.014 }],
  ["SOL", "USDT", "Solana", 188, 2, 4, 250_000, { market: 0.024, SOL: 0.022 }],
  ["XRP", "USDT", "XRP", 2.31, 4, 2, 180_000, { market: 0.018, XRP: 0.026 }],
  ["DOGE", "USDT", "Dogecoin", 0.3312, 5, 1, 120_000, { market: 0.024, DOGE: 0.03 }],
  ["MX", "USDT", "MX Token", 2.482, 4, 2, 30_000, { market: 0.008, MX: 0.014 }],
  ["PEPE", "USDT", "Pepe", 0.0000123, 10, 0, 60_000, { market: 0.026, PEPE: 0.042 }],
  // The same coin against another dollar, and one coin against another: they follow from the walks above.
  ["BTC", "USDC", "Bitcoin", 96_000, 2, 6, 120_000, { market: 0.019, USDC: 0.0004 }],
  ["ETH", "BTC", "Ethereum", 3_450 / 96_000, 6, 4, 2, { market: 0.003, ETH: 0.014 }]
]

export const syntheticPairs: ReadonlyArray<SyntheticPair> = rows.map(
  ([baseAsset, quoteAsset, fullName, base, price, quantity, turnover, walks]) => ({
    symbol: baseAsset + quoteAsset,
    baseAsset,
    quoteAsset,
    fullName,
    scales: { price, quantity },
    base,
    walks,
    turnover,
    crashShare: quoteAsset === "BTC" ? 0 : 1
  })
)
