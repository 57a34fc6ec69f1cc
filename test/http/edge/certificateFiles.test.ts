import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Stream, TestClock } from "effect"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { certificateOf } from "../../../src/http/edge/certificateFiles.ts"
import { temporaryFolder } from "../../kit/Process.ts"
import { renewedTls, testTls } from "../kit/tls.ts"

const written = Effect.map(temporaryFolder, (folder) => {
  const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") }
  const write = ({ cert, key }: typeof testTls) => {
    writeFileSync(files.cert, cert)
    writeFileSync(files.key, key)
  }
  return { files, write }
})

describe("The files of a certificate", () => {
  it.scoped("are read again, and told when they have changed", () =>
    Effect.gen(function* () {
      const { files, write } = yield* written
      write(testTls)
      const { cert, renewals = Stream.empty } = yield* certificateOf(files)
      assert.strictEqual(cert, testTls.cert)
      const told = yield* Effect.fork(Stream.runHead(renewals))
      // Nothing new, then gone, then new: each look is a minute after the end of the one before.
      const looks: ReadonlyArray<() => void> = [
        () => undefined,
        () => rmSync(files.key),
        () => write(renewedTls),
        () => undefined
      ]
      for (const change of looks) {
        change()
        yield* TestClock.adjust("1 minute")
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      // Reading the files takes its own time: the clock goes on until they were seen.
      const goOn = Effect.forever(Effect.zipRight(TestClock.adjust("1 minute"), Effect.yieldNow()))
      const found = yield* Effect.race(Fiber.join(told), goOn)
      assert.deepStrictEqual(found, Option.some(renewedTls))
    })
  )

  it.scoped("stop the start when they cannot be read, by the name of the setting", () =>
    Effect.gen(function* () {
      const { files, write } = yield* written
      write(testTls)
      rmSync(files.key)
      const { message } = yield* Effect.flip(certificateOf(files))
      assert.match(message, /^TLS_KEY_FILE: .*tls\.key cannot be read\. Example: TLS_KEY_FILE=/)
    })
  )
})
