import { Console, Effect, Layer, Redacted, Runtime } from "effect"
import * as Decimal from "../../src/domain/Decimal.ts"
import { PaperExchange } from "../../src/paper/PaperExchange.ts"

/** The exchange alone in a process, without the limits that fifty clients of one machine would meet at once. */
const [clients = "50", dataDir = ""] = process.argv.slice(2)
const unlimited = 1_000_000_000

const exchange = PaperExchange.layer({
  host: "127.0.0.1",
  port: 0,
  market: "synthetic",
  speed: 1,
  seed: 1,
  control: true,
  dataDir: dataDir === "" ? null : dataDir,
  limits: { ipWeight: unlimited, uidWeight: unlimited, ordersPerSecond: unlimited },
  accounts: Array.from({ length: Number(clients) }, (_, i) => ({
    accessKey: `client${i}`,
    secretKey: Redacted.make(`secret${i}`),
    balances: { USDT: Decimal.unsafe("1000000000"), BTC: Decimal.unsafe("10000") }
  }))
})

Runtime.runFork(Runtime.defaultRuntime)(
  Layer.launch(
    Layer.effectDiscard(Effect.flatMap(PaperExchange, ({ port }) => Console.log(`port ${port}`))).pipe(
      Layer.provide(exchange)
    )
  )
)
