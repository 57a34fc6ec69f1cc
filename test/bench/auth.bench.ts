import { it } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Random, Redacted } from "effect"
import { createHash, randomBytes, timingSafeEqual, verify } from "node:crypto"
import { Agent, request } from "node:http"
import { ApiKeys } from "../../src/accounts/ApiKeys.ts"
import { Auth } from "../../src/accounts/Auth.ts"
import { ClerkKeys } from "../../src/accounts/clerk/ClerkKeys.ts"
import { ClerkSessions } from "../../src/accounts/clerk/ClerkSessions.ts"
import { rsaKeyOfPem } from "../../src/accounts/clerk/rsaKey.ts"
import { UserId } from "../../src/domain/Ids.ts"
import { issuer, keys, mint, party, pem } from "../accounts/clerk/tokens.ts"
import { temporaryFolder } from "../kit/Process.ts"
import { createKey, paperExchange, service } from "../kit/Service.ts"
import * as TestDatabase from "../kit/TestDatabase.ts"
import { bareServer, median, print, spread } from "./kit.ts"
import { answersNeeded, chance, longerThan } from "./timing.ts"

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")
const secretOf = () => randomBytes(32).toString("base64url")
const checked = (body: string) => `${body}_${sha256(body).slice(0, 6)}`
const withId = (id: string) => checked(`bk_${id}_${secretOf()}`)
const unknown = () => withId(randomBytes(8).toString("hex"))
const misspelt = (id: string) => `bk_${id}_${secretOf()}_000000`
const idOf = (token: string) => token.split("_")[1] ?? ""

/** One address may be refused twenty times a minute; more of loopback's are there than are needed. */
const roundsOfAddress = 3
const addresses = 1_000
const warmUp = 200
const addressOf = (n: number) => `127.${10 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`

/** Milliseconds until the answer's first bytes, over a connection that is there already. */
const timeOf = (agent: Agent, localAddress: string, url: string, token: string) =>
  new Promise<number>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const asked = request(url, { agent, localAddress, headers }, (response) => {
      const took = performance.now() - began
      if (response.statusCode !== 401) reject(new Error(`${url} answered ${response.statusCode}`))
      response.resume().on("end", () => resolve(took))
    })
    asked.on("error", reject)
    const began = performance.now()
    asked.end()
  })

interface Kind {
  readonly name: string
  readonly url: string
  readonly token: () => string
  readonly times: Array<number>
}

/** Each address asks its rounds, the kinds in another order each time; a first one of each makes the connections. */
const askAll = (kinds: ReadonlyArray<Kind>) =>
  Effect.gen(function* () {
    for (let n = 0; n < addresses; n++) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      for (let round = 0; round < roundsOfAddress; round++)
        for (const { times, token, url } of yield* Random.shuffle(kinds)) {
          const took = yield* Effect.promise(() => timeOf(agent, addressOf(n), url, token()))
          if (round > 0) times.push(took)
        }
      agent.destroy()
    }
  })

const printTimes = (
  where: string,
  kinds: ReadonlyArray<{ readonly name: string; readonly times: ReadonlyArray<number> }>
) => {
  const first = kinds[0]?.times ?? []
  print(
    `${first.length} refusals of each kind in turn ${where}, ms; p: that one took longer than one of an unknown id`,
    kinds.map(({ name, times }, at) => {
      const middle = `median ${median(times).toFixed(3)}`
      if (at === 0) return [name, middle]
      const p = longerThan(first, times)
      const ratio = (median(times) / median(first)).toFixed(3)
      const needed = Math.ceil(answersNeeded(p))
      return [
        name,
        `${middle}, ${ratio} of it, p ${p.toFixed(3)} ± ${chance(first.length, times.length).toFixed(3)}, ${needed} refusals to tell`
      ]
    })
  )
}

it.scopedLive("L06: how long a refusal takes, by what is wrong with the key", () =>
  Effect.gen(function* () {
    const paper = yield* paperExchange
    const { command, url } = yield* service(yield* temporaryFolder, paper, { LOG_LEVEL: "error" })
    const [good, revoked] = [yield* createKey(command), yield* createKey(command)].map((key) =>
      idOf(Redacted.value(key))
    )
    yield* command("keys", "revoke", "--id", revoked ?? "")
    const wallet = `${url}/api/v1/account/wallet`
    const body = yield* Effect.promise(() => fetch(wallet).then((response) => response.text()))
    const bare = yield* bareServer(body, 401)
    const kinds = [
      { name: "unknown id", url: wallet, token: unknown, times: [] },
      { name: "unknown id again", url: wallet, token: unknown, times: [] },
      { name: "wrong secret", url: wallet, token: () => withId(good ?? ""), times: [] },
      { name: "revoked key, wrong secret", url: wallet, token: () => withId(revoked ?? ""), times: [] },
      { name: "wrong checksum", url: wallet, token: () => misspelt(good ?? ""), times: [] },
      { name: "bare node:http", url: bare.url, token: unknown, times: [] }
    ] satisfies ReadonlyArray<Kind>
    yield* askAll(kinds)
    printTimes("over HTTP", kinds)
  })
)

const app = Layer.mergeAll(ApiKeys.layer, Auth.layerClerk).pipe(
  Layer.provideMerge(ClerkSessions.layer({ issuer, authorizedParties: [party] })),
  Layer.provide(Layer.unwrapEffect(Effect.map(Effect.orDie(rsaKeyOfPem(pem)), ClerkKeys.layerPinned))),
  Layer.provideMerge(TestDatabase.layer),
  Layer.provide(Logger.minimumLogLevel(LogLevel.None))
)

it.live("L06: the same inside the process, where no network hides anything", () =>
  Effect.gen(function* () {
    const auth = yield* Auth
    const own = yield* ApiKeys
    const create = own.create(UserId.make("local_ann"), { name: null, scopes: ["read"] })
    const [good, revoked] = [yield* create, yield* create]
    yield* own.revoke(UserId.make("local_ann"), revoked.id)
    const kinds = [
      { name: "unknown id", token: unknown, times: Array<number>() },
      { name: "unknown id again", token: unknown, times: Array<number>() },
      { name: "wrong secret", token: () => withId(good.id), times: Array<number>() },
      { name: "revoked key, wrong secret", token: () => withId(revoked.id), times: Array<number>() },
      { name: "wrong checksum", token: () => misspelt(good.id), times: Array<number>() }
    ]
    for (let round = -warmUp; round < addresses * 2; round++)
      for (const { times, token } of yield* Random.shuffle(kinds)) {
        const header = `Bearer ${token()}`
        const began = performance.now()
        yield* Effect.flip(auth.authenticate(header))
        const took = performance.now() - began
        if (round >= 0) times.push(took)
      }
    printTimes("in the process", kinds)
  }).pipe(Effect.provide(app))
)

const people = 40
const rounds = 25
it.live("what it costs to let somebody in", () =>
  Effect.gen(function* () {
    const auth = yield* Auth
    const sessions = yield* ClerkSessions
    const { token } = yield* (yield* ApiKeys).create(UserId.make("local_ann"), { name: null, scopes: ["read"] })
    const key = Redacted.value(token)
    const keyHash = Buffer.from(sha256(key))
    const tokens = Array.from({ length: people }, (_, n) =>
      mint({ sub: `user_${n}`, sid: `sess_${n}`, exp: endless() })
    )
    const signed = tokens.map((text) => {
      const [head, payload, signature] = text.split(".")
      return { input: Buffer.from(`${head}.${payload}`), signature: Buffer.from(signature ?? "", "base64url") }
    })

    const timed = <A, E>(work: Effect.Effect<A, E>) =>
      Effect.gen(function* () {
        const began = performance.now()
        yield* work
        return (1_000 * (performance.now() - began)) / people
      })
    const each = <A, E>(ask: (token: string) => Effect.Effect<A, E>) => Effect.forEach(tokens, ask, { discard: true })
    const rounded = yield* Effect.replicateEffect(
      Effect.all({
        bareSignature: timed(
          Effect.sync(() =>
            signed.every(({ input, signature }) => verify("RSA-SHA256", input, keys.publicKey, signature))
          )
        ),
        session: timed(each(sessions.verify)),
        signIn: timed(each((text) => auth.authenticate(`Bearer ${text}`))),
        bareHash: timed(each(() => Effect.sync(() => timingSafeEqual(Buffer.from(sha256(key)), keyHash)))),
        key: timed(each(() => auth.authenticate(`Bearer ${key}`))),
        known: timed(each(() => Effect.sync(() => auth.authenticateCached(`Bearer ${key}`, Date.now()))))
      }),
      rounds + 5
    )
    const warm = rounded.slice(5)
    const of = (name: keyof (typeof warm)[number], digits = 0) =>
      spread(
        warm.map((round) => round[name]),
        digits
      )
    const ratio = (name: keyof (typeof warm)[number], bare: keyof (typeof warm)[number]) =>
      spread(
        warm.map((round) => round[name] / round[bare]),
        2
      )
    print(`µs each, ${rounds} rounds of ${people} in turn`, [
      ["RSA signature alone, node:crypto", of("bareSignature")],
      ["session token verified", of("session")],
      ["÷ signature alone", ratio("session", "bareSignature")],
      ["person let in, with two looks at the database", of("signIn")],
      ["÷ signature alone", ratio("signIn", "bareSignature")],
      ["SHA-256 and comparison alone", of("bareHash", 1)],
      ["key let in, with one look at the database", of("key")],
      ["÷ hash alone", ratio("key", "bareHash")],
      ["either again within two seconds", of("known", 1)]
    ])
  }).pipe(Effect.provide(app))
)

/** Clerk gives a minute; the benchmark may take longer. */
const endless = () => Math.floor(Date.now() / 1_000) + 3_000
