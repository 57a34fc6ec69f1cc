import * as FileSystem from "@effect/platform/FileSystem"
import * as Terminal from "@effect/platform/Terminal"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Layer, Schema } from "effect"
import { stdout } from "node:process"
import { ApiKeys } from "./accounts/ApiKeys.ts"
import { service } from "./App.ts"
import { Config, readSettings, type Settings } from "./Config.ts"
import type { Decimal } from "./domain/Decimal.ts"
import { UserId } from "./domain/Ids.ts"
import { HttpServer } from "./http/HttpServer.ts"
import { MexcEndpoint } from "./mexc/wire/Endpoint.ts"
import type { MarketChoice } from "./paper/PaperExchange.ts"
import * as Demo from "./service/demo/Demo.ts"
import { type Scene, sceneOf } from "./service/demo/Scene.ts"
import * as Logging from "./service/Logging.ts"

/** The demo could not show what it is for. */
export class DemoFailed extends Schema.TaggedError<DemoFailed>()("DemoFailed", { message: Schema.String }) {}

/** Five hours of market time in a minute. */
const demoSpeed = 300
const hourMs = 3_600_000

/** Two rules in a crash, in a temporary folder; see `Demo`. */
export const demo = Effect.fn("App.demo")(function* (options: {
  readonly market: MarketChoice
  readonly drop: Decimal
}) {
  const folder = yield* Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped({ prefix: "dipper-" }))
  const scene = yield* sceneOf(options.market)
  const settings: Settings = {
    ...(yield* readSettings({ DATA_DIR: folder, LOG_LEVEL: "warn" })),
    port: 0,
    paperPort: 0,
    paperMarket: options.market,
    paperSpeed: demoSpeed
  }
  yield* Console.log(`market     ${scene.title}`)
  const held = yield* tellDemo(scene, options.drop).pipe(
    Effect.provide(
      service(scene.story).pipe(
        Layer.provideMerge(Logging.layer(settings)),
        Layer.provideMerge(Layer.succeed(Config, settings))
      )
    )
  )
  if (!held) return yield* new DemoFailed({ message: "the books do not agree, or a rule did not buy" })
}, Effect.scoped)

const tellDemo = Effect.fnUntraced(function* (scene: Scene, drop: Decimal) {
  const { url } = yield* HttpServer
  const { rest } = yield* MexcEndpoint
  const terminal = yield* Terminal.Terminal
  const keys = yield* ApiKeys
  const userId = Schema.decodeSync(UserId)("local_demo")
  const { token } = yield* keys.create(userId, { name: "demo", scopes: ["read", "trade", "manage"] })
  return yield* Demo.tell({
    apiUrl: url,
    paperUrl: rest,
    token,
    pair: scene.pair,
    drop,
    until: scene.until,
    calendarAt: scene.from + hourMs,
    onProgress: (line) => (stdout.isTTY ? Effect.ignore(terminal.display(`\r${line}\u001b[K\r`)) : Effect.void)
  }).pipe(Effect.provide(NodeHttpClient.layerUndici))
})
