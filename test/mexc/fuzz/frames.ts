import { Either } from "effect"
import { encodeFrame, type PushFrameInput } from "../../../src/mexc/wire/Stream.ts"
import { mutate, type Random } from "./mutate.ts"

const t = 1_790_000_000_000
const levels = [{ price: "1.5", quantity: "3" }]
const whole = { channel: "spot@public.x.v3.api.pb@ABCUSDT", symbol: "ABCUSDT", createTime: t, sendTime: t + 5 }
const mini = { symbol: "ABCUSDT", price: "1.5", rate: "0.01", zonedRate: "0.01", high: "1.6", low: "1.4", volume: "9" }

/** A valid frame of every body. */
export const frames: ReadonlyArray<PushFrameInput> = [
  { ...whole, publicAggreDeals: { deals: [{ price: "1.5", quantity: "2", tradeType: 1, time: t }], eventType: "e" } },
  { ...whole, publicAggreBookTicker: { bidPrice: "1.5", bidQuantity: "2", askPrice: "1.6", askQuantity: "3" } },
  { ...whole, publicAggreDepths: { bids: levels, asks: levels, fromVersion: "7", toVersion: "9" } },
  { ...whole, publicLimitDepths: { bids: levels, asks: levels, version: "43296363255" } },
  { ...whole, publicBookTickerBatch: { items: [{ bidPrice: "1.5", askPrice: "1.6" }] } },
  { ...whole, publicMiniTicker: mini },
  { ...whole, publicMiniTickers: { items: [mini, mini] } },
  {
    ...whole,
    publicSpotKline: {
      interval: "Min1",
      windowStart: 1_790_000_000,
      openingPrice: "1",
      closingPrice: "1.1",
      highestPrice: "1.2",
      lowestPrice: "0.9",
      volume: "10",
      amount: "11",
      windowEnd: 1_790_000_060
    }
  },
  { ...whole, privateAccount: { vcoinName: "USDT", balanceAmount: "5", frozenAmount: "1", type: "DEPOSIT", time: t } },
  {
    ...whole,
    privateDeals: {
      price: "1.5",
      quantity: "2",
      amount: "3",
      tradeType: 2,
      tradeId: "X1",
      orderId: "C02__1",
      feeAmount: "0.01",
      feeCurrency: "MX",
      time: t
    }
  },
  {
    ...whole,
    privateOrders: {
      id: "C02__1",
      clientId: "dpSample",
      price: "1.5",
      quantity: "2",
      amount: "3",
      orderType: 1,
      tradeType: 1,
      status: 3,
      cumulativeQuantity: "1",
      cumulativeAmount: "1.5",
      createTime: t
    }
  }
]

const varint = (value: number): ReadonlyArray<number> => {
  const bytes: Array<number> = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 128)
  }
}

const concat = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Buffer.concat(parts)
const randomBytes = (random: Random, length: number) => Uint8Array.from({ length }, () => random.int(0, 255))

/** What a broken line or a changed protocol makes of the bytes. */
const broken = (random: Random, bytes: Uint8Array): Uint8Array => {
  const at = random.int(0, bytes.length - 1)
  const copy = Uint8Array.from(bytes)
  switch (random.int(0, 8)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      copy[at] = random.int(0, 255)
      return copy
    case 2:
      for (let i = 0; i < random.int(1, 12); i++) copy[random.int(0, copy.length - 1)] = random.int(0, 255)
      return copy
    case 3:
      return concat(bytes.subarray(0, at), randomBytes(random, random.int(1, 20)), bytes.subarray(at))
    case 4:
      // Another wire type under some tag.
      copy[at] = (copy[at] ?? 0) ^ random.int(1, 7)
      return copy
    case 5:
      // A length far beyond the frame.
      return concat(bytes.subarray(0, at), Uint8Array.from([0x0a, ...varint(random.int(1, 4) * 2 ** 31)]))
    case 6:
      return randomBytes(random, random.int(0, 200))
    case 7:
      // The same tag once more, with a time no calendar knows.
      return concat(bytes, Uint8Array.from([0x28, ...varint(Number.MAX_SAFE_INTEGER), 0x30, ...varint(9e15)]))
    default:
      return concat(bytes, bytes.subarray(at))
  }
}

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : ""

/** Odd texts and numbers in the right places: what the schema lets through must not upset what is made of it. */
const odd = (random: Random, value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((inner) => odd(random, inner))
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, odd(random, inner)]))
  if (random.next() < 0.75) return value
  if (typeof value === "string") return textOf(mutate(random, value))
  return [0, 1, -1, 7, 101, 2 ** 31 - 1, -(2 ** 31), t, 9e15][random.int(0, 8)]
}

const oddFrame = (random: Random, frame: PushFrameInput): Uint8Array => {
  const told = odd(random, frame)
  const encoded = Either.try(() => encodeFrame(Object.assign({}, frame, told)))
  return Either.getOrElse(encoded, () => new Uint8Array())
}

/** A frame as it may come: odd in what it says, or broken as bytes. */
export const damaged = (random: Random, frame: PushFrameInput): Uint8Array =>
  random.next() < 0.35 ? oddFrame(random, frame) : broken(random, encodeFrame(frame))
