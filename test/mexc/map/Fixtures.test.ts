import { assert, describe, it } from "@effect/vitest"
import { accountCases } from "../fixtures/account.ts"
import { errorCases } from "../fixtures/errors.ts"
import { marketCases } from "../fixtures/market.ts"
import { streamCases } from "../fixtures/stream.ts"
import { uncalledCases } from "../fixtures/uncalled.ts"
import { walletCases } from "../fixtures/wallet.ts"
import { fixture, hasFixtures } from "../kit/reference.ts"

interface Entry {
  readonly file: string
  readonly method: string
  readonly path: string
  readonly status: number
}

const entries: ReadonlyArray<Entry> = hasFixtures ? Object(fixture("index.json")).entries : []

const cases = {
  ...marketCases,
  ...accountCases,
  ...walletCases,
  ...errorCases,
  ...streamCases,
  ...uncalledCases
}

describe.skipIf(!hasFixtures)("recorded and documented payloads of the venue", () => {
  it("are all covered by a case, and every case has its payload", () => {
    assert.isAbove(entries.length, 80)
    assert.deepStrictEqual(Object.keys(cases).sort(), entries.map(({ file }) => file).sort())
  })

  for (const { file, method, path, status } of entries) {
    const check = cases[file]
    if (check === undefined) continue
    it.live(`${file} is read as what it says`, () =>
      check({ endpoint: `${method} ${path.replace("/api/v3", "")}`, status, payload: fixture(file) })
    )
  }
})
