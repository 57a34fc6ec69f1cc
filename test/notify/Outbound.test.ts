import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Either, Fiber, Redacted, Runtime } from "effect"
import type { RequestListener } from "node:http"
import { Outbound } from "../../src/notify/Outbound.ts"
import { asPublic, outbound, receiver, send, toUser } from "./kit/hooks.ts"

const ok: RequestListener = (request, response) => {
  request.resume()
  response.end("done")
}

/** Each of them leads, or might lead, into the network of the service, or is not for a user to give. */
const hostile = [
  "http://hooks.example/",
  "ftp://hooks.example/",
  "file:///etc/passwd",
  "gopher://hooks.example/",
  "javascript:alert(1)",
  "https://",
  "hooks.example/x",
  "//hooks.example/x",
  "https://user@hooks.example/",
  "https://user:secret@hooks.example/",
  "https://hooks.example:22/",
  "https://hooks.example:80/",
  "https://hooks.example:6379/",
  `https://hooks.example/${"a".repeat(2_048)}`,
  "https://localhost/",
  "https://localhost./",
  "https://LOCALHOST/",
  "https://printer/",
  "https://printer.local/",
  "https://metadata.google.internal/computeMetadata/v1/",
  "https://a.localhost/",
  "https://nas.lan/",
  "https://router.home.arpa/",
  "https://wiki.intranet/",
  "https://127.0.0.1/",
  "https://127.1/",
  "https://2130706433/",
  "https://0x7f000001/",
  "https://0177.0.0.1/",
  "https://0x7f.1/",
  "https://１２７.０.０.１/",
  "https://127。0。0。1/",
  "https://%31%32%37.0.0.1/",
  "https://0.0.0.0/",
  "https://10.0.0.1/",
  "https://100.64.0.1/",
  "https://169.254.169.254/latest/meta-data/",
  "https://172.16.0.1/",
  "https://192.168.1.1/",
  "https://198.18.0.1/",
  "https://224.0.0.1/",
  "https://255.255.255.255/",
  "https://[::]/",
  "https://[::1]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::ffff:a00:1]/",
  "https://[::ffff:0:10.0.0.1]/",
  "https://[::127.0.0.1]/",
  "https://[64:ff9b::10.0.0.1]/",
  "https://[fd00::1]/",
  "https://[fe80::1]/",
  "https://[ff02::1]/",
  "https://[2002:7f00:1::]/",
  "https://[2001:db8::1]/"
]

const good = [
  "https://hooks.example/services/T0/B0/x",
  "https://hooks.example:8443/?a=b",
  "https://93.184.215.14/",
  "https://[2606:4700:4700::1111]/",
  "https://xn--bcher-kva.example./"
]

describe("S01: An address that a user must not give", () => {
  it.effect.each(hostile)("%s is refused and nothing is sent", (url) =>
    Effect.gen(function* () {
      const client = yield* Outbound
      assert.strictEqual((yield* Effect.flip(client.send(toUser(url))))._tag, "AddressRefused")
      assert.isTrue(Either.isLeft(client.check(Redacted.make(url), "user")))
    }).pipe(Effect.provide(Outbound.layerWith({ resolve: () => Effect.dieMessage("nothing is to be looked up") })))
  )
})

describe("An address that a user gives", () => {
  it.effect.each(good)("%s may be stored", (url) =>
    Effect.gen(function* () {
      assert.isTrue(Either.isRight((yield* Outbound).check(Redacted.make(url), "user")))
    }).pipe(Effect.provide(Outbound.layer))
  )

  it.scopedLive("gets the message, with its name in the request and in the certificate", () =>
    Effect.gen(function* () {
      const heard = { host: "", url: "", body: "" }
      const { port } = yield* receiver((request, response) => {
        heard.host = request.headers.host ?? ""
        heard.url = request.url ?? ""
        request.on("data", (chunk: Buffer) => (heard.body += chunk.toString()))
        request.on("end", () => response.writeHead(404).end("no such hook"))
      })
      const answer = yield* send(toUser(`https://hooks.example:${port}/a?b=c`)).pipe(Effect.provide(outbound(port)))
      assert.strictEqual(answer, "4xx")
      assert.deepStrictEqual(heard, { host: `hooks.example:${port}`, url: "/a?b=c", body: "{}" })
    })
  )

  it.scopedLive("is not sent to where the certificate is for another name", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* receiver(ok)
      const fault = yield* send(toUser(`https://other.example:${port}/`)).pipe(
        Effect.flip,
        Effect.provide(outbound(port))
      )
      assert.strictEqual(fault._tag === "Undelivered" ? fault.reason : fault._tag, "certificate")
      assert.strictEqual(seen.requests, 0)
    })
  )

  it.scopedLive("is not sent to where the certificate is nobody's whom we trust", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* receiver(ok)
      const fault = yield* send(toUser(`https://hooks.example:${port}/`)).pipe(
        Effect.flip,
        Effect.provide(outbound(port, { ca: undefined }))
      )
      assert.strictEqual(fault._tag === "Undelivered" ? fault.reason : fault._tag, "certificate")
      assert.strictEqual(seen.requests, 0)
    })
  )
})

const refusedWithoutConnection = (addresses: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { port, seen } = yield* receiver(ok)
    const fault = yield* send(toUser(`https://hooks.example:${port}/`)).pipe(
      Effect.flip,
      Effect.provide(outbound(port, { resolve: () => Effect.succeed(addresses) }))
    )
    assert.strictEqual(fault._tag, "AddressRefused")
    assert.strictEqual(seen.connections, 0)
  })

describe("A name that leads into the network of the service", () => {
  it.scopedLive("S02: a public and a private answer: nothing is sent, whichever comes first", () =>
    Effect.all([refusedWithoutConnection([asPublic, "10.0.0.1"]), refusedWithoutConnection(["10.0.0.1", asPublic])])
  )

  it.scopedLive("S03: public at the first request and private at the second: the second is not sent", () =>
    Effect.gen(function* () {
      const outside = yield* receiver(ok)
      // The same port on another address of this machine, as a rebinding name would have it.
      const answers = [[asPublic], ["127.0.0.2"]]
      const asked: Array<string> = []
      const resolve = (host: string) =>
        Effect.sync(() => {
          asked.push(host)
          return answers[asked.length - 1] ?? []
        })
      yield* Effect.gen(function* () {
        const message = toUser(`https://hooks.example:${outside.port}/`)
        assert.strictEqual(yield* send(message), "2xx")
        assert.strictEqual((yield* Effect.flip(send(message)))._tag, "AddressRefused")
      }).pipe(Effect.provide(outbound(outside.port, { resolve })))
      // Once per request: between the check and the connection nobody asks again.
      assert.deepStrictEqual(asked, ["hooks.example", "hooks.example"])
      assert.strictEqual(outside.seen.requests, 1)
    })
  )

  it.scopedLive("S04: an IPv4 address in the form of an IPv6 one: nothing is sent", () =>
    Effect.all([
      refusedWithoutConnection(["::ffff:127.0.0.1"]),
      refusedWithoutConnection(["::ffff:7f00:1"]),
      refusedWithoutConnection(["::ffff:0a00:1", "93.184.215.14"])
    ])
  )

  it.scopedLive("none, and one that nobody knows, are told alike", () =>
    Effect.all([refusedWithoutConnection([]), refusedWithoutConnection(["192.168.0.1"])])
  )
})

describe("An answer", () => {
  it.scopedLive("S05: that leads elsewhere is not followed", () =>
    Effect.gen(function* () {
      const inside = yield* receiver(ok, false, "127.0.0.2")
      const { port } = yield* receiver((request, response) => {
        request.resume()
        response.writeHead(307, { location: `http://127.0.0.2:${inside.port}/` }).end()
      })
      const answer = yield* send(toUser(`https://hooks.example:${port}/`)).pipe(Effect.provide(outbound(port)))
      assert.strictEqual(answer, "3xx")
      assert.strictEqual(inside.seen.connections, 0)
    })
  )

  it.scopedLive("S06: of 10 MiB and more is cut off after the first KiB", () =>
    Effect.gen(function* () {
      const ended = yield* Deferred.make<"sent whole" | "cut off">()
      // More than lies in the buffers between the two.
      const chunk = Buffer.alloc(1_024 * 1_024)
      const chunks = 64
      const run = Runtime.runFork(yield* Effect.runtime())
      const { port } = yield* receiver((request, response) => {
        request.resume()
        let left = chunks
        const write = (fault?: Error | null): void => {
          if (fault instanceof Error) run(Deferred.succeed(ended, "cut off"))
          else if (left-- > 0) response.write(chunk, write)
          else run(Deferred.succeed(ended, "sent whole"))
        }
        write()
      })
      assert.strictEqual(
        yield* send(toUser(`https://hooks.example:${port}/`)).pipe(Effect.provide(outbound(port))),
        "2xx"
      )
      assert.strictEqual(yield* Deferred.await(ended), "cut off")
    })
  )

  it.scopedLive("S07: that never ends, or never comes, is given up", () =>
    Effect.gen(function* () {
      const drips = yield* receiver((request, response) => {
        request.resume()
        response.writeHead(200).write("a")
      })
      const silent = yield* receiver((request) => void request.resume())
      for (const { port } of [drips, silent]) {
        const fault = yield* send(toUser(`https://hooks.example:${port}/`)).pipe(
          Effect.flip,
          Effect.provide(outbound(port, { deadline: "300 millis" }))
        )
        assert.strictEqual(fault._tag === "Undelivered" ? fault.reason : fault._tag, "timeout")
      }
    })
  )

  it.scopedLive("that breaks off in its body counts by its status", () =>
    Effect.gen(function* () {
      const { port } = yield* receiver((request, response) => {
        request.resume()
        response.writeHead(500, { "content-length": "100" })
        response.write("a", () => response.destroy())
      })
      assert.strictEqual(
        yield* send(toUser(`https://hooks.example:${port}/`)).pipe(Effect.provide(outbound(port))),
        "5xx"
      )
    })
  )
})

describe("Many requests", () => {
  it.scopedLive(
    "S08: a thousand to one host are two at a time, and another host does not wait for them",
    () =>
      Effect.gen(function* () {
        const open = yield* Deferred.make<void>()
        const full = yield* Deferred.make<void>()
        const run = Runtime.runFork(yield* Effect.runtime())
        let underWay = 0
        let most = 0
        const { port, seen } = yield* receiver((request, response) => {
          request.resume()
          if (request.headers.host?.startsWith("a.") !== true) return void response.end()
          most = Math.max(most, ++underWay)
          if (underWay === 2) run(Deferred.succeed(full, undefined))
          run(
            Deferred.await(open).pipe(
              Effect.zipRight(
                Effect.sync(() => {
                  underWay--
                  response.end()
                })
              )
            )
          )
        })
        yield* Effect.gen(function* () {
          const crowd = yield* Effect.fork(
            Effect.forEach(
              Array.from({ length: 1_000 }, (_, n) => `https://a.hooks.example:${port}/${n}`),
              (url) => send(toUser(url)),
              { concurrency: "unbounded" }
            )
          )
          yield* Deferred.await(full)
          assert.strictEqual(yield* send(toUser(`https://b.hooks.example:${port}/`)), "2xx")
          yield* Deferred.succeed(open, undefined)
          assert.deepStrictEqual([...new Set(yield* Fiber.join(crowd))], ["2xx"])
        }).pipe(Effect.provide(outbound(port, { deadline: "1 minute" })))
        assert.strictEqual(most, 2)
        assert.strictEqual(seen.requests, 1_001)
      }),
    120_000
  )

  it.scopedLive("one more than may wait for a host is told at once", () =>
    Effect.gen(function* () {
      const { port } = yield* receiver((request) => void request.resume())
      const refused = yield* Deferred.make<string>()
      const told = send(toUser(`https://hooks.example:${port}/`)).pipe(
        Effect.flip,
        Effect.flatMap((fault) => Deferred.succeed(refused, fault._tag === "Undelivered" ? fault.reason : fault._tag))
      )
      yield* Effect.gen(function* () {
        yield* Effect.forkScoped(
          Effect.all(
            Array.from({ length: 1_003 }, () => told),
            { concurrency: "unbounded" }
          )
        )
        assert.strictEqual(yield* Deferred.await(refused), "busy")
      }).pipe(Effect.provide(outbound(port, { deadline: "1 minute" })))
    })
  )
})

describe("An address of the operator", () => {
  it.scopedLive("may be a program on this machine, without HTTPS and on any port", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* receiver(ok, false)
      const message = {
        url: Redacted.make(`http://127.0.0.1:${port}/ping`),
        givenBy: "operator",
        method: "GET"
      } as const
      assert.strictEqual(yield* send(message).pipe(Effect.provide(Outbound.layer)), "2xx")
      assert.strictEqual(seen.requests, 1)
      const same = yield* Effect.flip(send({ ...message, givenBy: "user" })).pipe(Effect.provide(Outbound.layer))
      assert.strictEqual(same._tag, "AddressRefused")
    })
  )

  it.scopedLive("may be a name of this machine", () =>
    Effect.gen(function* () {
      const { port } = yield* receiver(ok, false)
      const message = { url: Redacted.make(`http://localhost:${port}/`), givenBy: "operator", method: "GET" } as const
      assert.strictEqual(yield* send(message).pipe(Effect.provide(Outbound.layer)), "2xx")
    })
  )
})
