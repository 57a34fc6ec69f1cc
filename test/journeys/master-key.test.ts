import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Random, Ref } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { dipper, temporaryFolder } from "../kit/Process.ts"
import { client, createKey, eventually, paperExchange, service } from "../kit/Service.ts"

const users = Array.from({ length: 12 }, (_, n) => `user${n}`)

it.scopedLive(
  "C03: the master key is rotated while users trade and the rotation is killed; nothing fails, the old key is unused",
  () =>
    Effect.gen(function* () {
      const paper = yield* paperExchange
      yield* paper.price("BTCUSDT", "60000")
      const folder = yield* temporaryFolder
      const ring = join(folder, "master.keys")
      const { command, process, url } = yield* service(folder, paper)
      const apis = yield* Effect.forEach(users, (user) =>
        Effect.flatMap(createKey(command, user), (token) => client(url, token))
      )
      yield* Effect.forEach(apis, (api) => api.account.getWallet())
      const before = readFileSync(ring, "utf8").split(":")[0] ?? ""

      const readings = yield* Ref.make(0)
      const trading = yield* Effect.fork(
        Effect.forever(
          Effect.forEach(apis, (api) =>
            Effect.zipRight(
              api.account.refreshWallet(),
              Ref.update(readings, (n) => n + 1)
            )
          )
        )
      )
      const rotating = dipper(["master-key", "rotate"], {
        cwd: folder,
        env: { DATA_DIR: folder, PAPER_URL: paper.url }
      })
      for (let kill = 0; kill < 4; kill++)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const rotation = yield* rotating
            yield* Effect.sleep(yield* Random.nextIntBetween(300, 900))
            yield* rotation.stop("SIGKILL")
          })
        )
      const done = yield* command("master-key", "rotate")
      assert.strictEqual(done.code, 0, done.stderr)
      assert.isNull(trading.unsafePoll(), "a reading failed")
      yield* eventually("more readings", Ref.getAndSet(readings, 0), (n) => n > 0)
      yield* Fiber.interrupt(trading)

      const now = readFileSync(ring, "utf8").trim().split("\n")
      assert.lengthOf(now, 1)
      assert.notInclude(now[0], before)
      assert.isTrue(existsSync(`${ring}.retired`))
      assert.include(readFileSync(`${ring}.retired`, "utf8"), before)
      assert.strictEqual((yield* command("master-key", "export")).stdout.trim(), now[0])
      for (const user of users) assert.strictEqual((yield* command("credentials", "test", "--user", user)).code, 0)

      // Killed or not, each key that came or went has its entry, and the trail needs no key to be followed.
      const trail = (yield* command("audit", "export")).stdout
      const told = (action: string) => [...trail.matchAll(new RegExp(`"action":"${action}","objectId":"(\\w+)"`, "g"))]
      const current = now[0]?.split(":")[0]
      assert.strictEqual(told("masterKeyRotated").at(-1)?.[1], current)
      assert.strictEqual(told("masterKeyExported").at(-1)?.[1], current)
      assert.notInclude(trail, now[0]?.split(":")[1] ?? "")
      assert.strictEqual(told("masterKeyRetired").at(-1)?.[1], current)
      assert.match((yield* command("audit", "verify")).stdout, /^ok: /)

      // Without the old key anywhere, a start needs nothing else.
      yield* process.stop("SIGTERM")
      const again = yield* service(folder, paper)
      yield* (yield* client(again.url, yield* createKey(again.command, "user3"))).account.refreshWallet()
    }),
  240_000
)
