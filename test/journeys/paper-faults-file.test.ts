import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { dipper, run, temporaryFolder } from "../kit/Process.ts"

const file = (text: string) =>
  Effect.map(temporaryFolder, (folder) => {
    const path = join(folder, "faults.json")
    writeFileSync(path, text)
    return path
  })

it.scopedLive(
  "paper --faults plans what a file says from the start",
  () =>
    Effect.gen(function* () {
      const path = yield* file('{"faults": [{"type": "serverError", "status": 503, "path": "/api/v3/ping"}]}')
      const paper = yield* dipper(["paper", "--port", "0", "--market", "still", "--control", "--faults", path])
      const [, url = ""] = yield* paper.line(/paper exchange ready (\S+)/)
      const status = (path: string) => Effect.promise(() => fetch(`${url}${path}`).then((answer) => answer.status))
      assert.deepStrictEqual(
        yield* Effect.all(["time", "ping", "ping"].map((each) => status(`/api/v3/${each}`))),
        [200, 503, 200]
      )
    }),
  60_000
)

it.scopedLive(
  "a file of faults that is wrong is told so in one line",
  () =>
    Effect.gen(function* () {
      const path = yield* file('{"faults": [{"type": "delayAnswer", "delayms": 5}]}')
      const { code, stderr } = yield* run(["paper", "--port", "0", "--faults", path])
      assert.strictEqual(code, 2)
      assert.match(
        stderr,
        /--faults: .*faults\.json: faults\[0\]\.delayms: unknown for delayAnswer; did you mean "delayMs"/
      )
    }),
  60_000
)
