import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer } from "effect"
import { join } from "node:path"
import { PaperAccounts } from "./accounts/PaperAccounts.ts"
import type { Settings } from "./Config.ts"
import * as VenueClock from "./market/VenueClock.ts"
import { MarketClock } from "./MarketClock.ts"
import { MexcEndpoint } from "./mexc/wire/Endpoint.ts"
import type { MirrorUnavailable } from "./paper/market/mirror/Mirror.ts"
import { type MarketChoice, PaperExchange, type PaperExchangeOptions } from "./paper/PaperExchange.ts"
import { WrongSetting } from "./Setting.ts"

/** Which exchange stands behind the service: the venue itself, or a paper one inside or beside this process. */

/** What the database is stamped with for ever: `paper`, or the venue's host. */
export const venueOf = (settings: Settings) =>
  settings.exchange === "paper" ? "paper" : new URL(settings.mexcRestUrl).host

export const marketChoice = (text: string): MarketChoice | null =>
  text === "synthetic" || text === "still" || text === "mirror"
    ? text
    : text.startsWith("replay:")
      ? `replay:${text.slice(7)}`
      : null

const endpointOf = (url: string) => MexcEndpoint.layer(url, `${url.replace(/^http/, "ws")}/ws`)

/** Where a command that runs beside the server finds the venue. */
export const venueBeside = (settings: Settings) =>
  settings.exchange === "mexc"
    ? MexcEndpoint.layer(settings.mexcRestUrl, settings.mexcWsUrl)
    : endpointOf(settings.paperUrl ?? `http://127.0.0.1:${settings.paperPort}`)

/** A paper exchange on this machine as the venue: its market clock, and accounts on it for new users. */
const paperAt = (url: string, clock: typeof VenueClock.layer = VenueClock.layer) =>
  Layer.mergeAll(PaperAccounts.layerHttp(url), clock).pipe(
    Layer.provide(NodeHttpClient.layerUndici),
    Layer.provideMerge(endpointOf(url))
  )

/** In an invented market at wall speed market time is wall time: nobody need be asked for it. */
const followsWall = ({ paperMarket, paperSpeed }: Settings, { startsAt }: PaperStory) =>
  paperSpeed === 1 && startsAt === undefined && !paperMarket.startsWith("replay:")

const embeddedPaper = (settings: Settings, story: PaperStory) =>
  Layer.unwrapEffect(
    Effect.map(PaperExchange, ({ url }) => paperAt(url, followsWall(settings, story) ? MarketClock.layer : undefined))
  ).pipe(
    Layer.provide(
      PaperExchange.layer({
        host: "127.0.0.1",
        port: settings.paperPort,
        market: marketChoice(settings.paperMarket) ?? "synthetic",
        speed: settings.paperSpeed,
        seed: settings.paperSeed,
        accounts: [],
        control: true,
        dataDir: join(settings.dataDir, "paper"),
        upstream: upstreamOf(settings),
        ...story
      }).pipe(
        // The paper exchange knows no settings; whoever starts the service does.
        Layer.mapError((failure) => {
          const refused = (name: string, example: string) =>
            new WrongSetting({ name, problem: failure.message, example })
          if (failure._tag === "PortTaken") return refused("PAPER_PORT", String(settings.paperPort + 1))
          if (failure._tag === "MirrorUnavailable") return refusedUpstream(failure)
          return failure._tag === "RecordingInvalid" ? refused("PAPER_MARKET", "replay:./BTCUSDT-1m.csv") : failure
        })
      )
    )
  )

/** The venue whose market a paper exchange mirrors. */
export const upstreamOf = ({ mexcRestUrl, mexcWsUrl }: Settings) => ({ rest: mexcRestUrl, stream: mexcWsUrl })

export const refusedUpstream = ({ message, which }: MirrorUnavailable) => {
  const problem = `the market to mirror cannot be read: ${message}`
  return which === "rest"
    ? new WrongSetting({ name: "MEXC_REST_URL", problem, example: "https://api.mexc.com" })
    : new WrongSetting({ name: "MEXC_WS_URL", problem, example: "wss://wbs-api.mexc.com/ws" })
}

/** What the demo decides about its market. */
export type PaperStory = Pick<PaperExchangeOptions, "window" | "startsAt" | "synthetic">

export const venue = (settings: Settings, story: PaperStory) => {
  if (settings.exchange === "mexc")
    return Layer.mergeAll(
      MexcEndpoint.layer(settings.mexcRestUrl, settings.mexcWsUrl),
      MarketClock.layer,
      PaperAccounts.layerNone
    )
  if (settings.paperUrl === null) return embeddedPaper(settings, story)
  return paperAt(settings.paperUrl).pipe(
    Layer.mapError(({ message }) => {
      const problem = `${message}; start it first, with --control`
      return new WrongSetting({ name: "PAPER_URL", problem, example: "http://127.0.0.1:3001" })
    })
  )
}
