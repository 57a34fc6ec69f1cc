import { mkdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { type Env, run, start } from "./processes.ts"

/** Something that somebody outside has been told, and the length of the log when they had been. */
export type Told = { readonly at: number } & (
  | { readonly what: "order"; readonly id: string; readonly executedQuantity: string; readonly ended: boolean }
  | { readonly what: "rule"; readonly id: string; readonly version: number }
  | { readonly what: "event"; readonly user: string; readonly seq: number }
  | { readonly what: "key"; readonly user: string }
)

export interface Recorded {
  readonly log: string
  /** The folder whose files the log speaks of. */
  readonly data: string
  readonly told: ReadonlyArray<Told>
  /** How often each status or error code was answered. */
  readonly answers: ReadonlyMap<string, number>
}

const users = ["ann", "bob", "cyd"]
const ended = new Set(["filled", "cancelled", "partiallyCancelled", "rejected"])

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined
const textOf = (value: unknown, name: string): string => String(fieldOf(value, name))

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Buys every second; a rule that waits for a price is made, changed and paused beside it. */
const rules = [
  { symbol: "BTCUSDT", trigger: { type: "schedule.every", every: "PT1S" } },
  { symbol: "ETHUSDT", trigger: { type: "schedule.every", every: "PT2S" } },
  { symbol: "BTCUSDT", trigger: { type: "price.level", side: "below", price: "1" } }
].map((rule) => ({ ...rule, size: { type: "quote", amount: "10" }, limits: { total: "9000" } }))

/**
 * The real service at work, its input and output recorded: several users place and cancel orders, make, change and pause
 * rules that buy by themselves, and follow their events. It is stopped and started in between, once without a word.
 */
export const record = async (options: {
  readonly folder: string
  readonly program: string
  readonly library: string
  readonly secondsEach: number
}): Promise<Recorded> => {
  const { folder, library, program, secondsEach } = options
  const data = join(folder, "data")
  const log = join(folder, "io.log")
  for (const made of [data, join(folder, "exchange")]) mkdirSync(made, { recursive: true, mode: 0o700 })
  const exchange = await start(
    [program, "paper", "--port", "0", "--market", "synthetic", "--control", "--data", join(folder, "exchange")],
    { cwd: folder, env: {}, log: join(folder, "exchange.log"), ready: /paper exchange ready (\S+)/ }
  )
  const env: Env = {
    DATA_DIR: data,
    PORT: "0",
    PAPER_URL: exchange.said,
    LOG_FORMAT: "json",
    API_RATE_PER_MINUTE: "100000",
    LD_PRELOAD: library,
    IOLOG_TO: log,
    IOLOG_UNDER: data
  }
  const told: Array<Told> = []
  const answers = new Map<string, number>()
  const position = () => statSync(log).size

  const keyOf = async (user: string): Promise<string> => {
    const { code, stderr, stdout } = await run(
      [program, "keys", "create", "--user", user, "--scopes", "read,trade,manage"],
      folder,
      env
    )
    if (code !== 0) throw new Error(`no key for ${user}: ${stderr}`)
    told.push({ what: "key", user, at: position() })
    return stdout.trim()
  }

  const serve = (ready = /dipper ready (\S+)/) =>
    start([program, "serve"], { cwd: folder, env, log: join(folder, "service.log"), ready })

  let asked = 0
  const until = async (deadline: number, url: string, keys: ReadonlyMap<string, string>, stop: AbortSignal) => {
    const send = async (user: string, method: string, path: string, body?: object, version?: number) => {
      const answer = await fetch(`${url}/api/v1/${path}`, {
        method,
        signal: stop,
        headers: {
          authorization: `Bearer ${keys.get(user)}`,
          "idempotency-key": `power-cut-asked-${++asked}`,
          ...(version === undefined ? {} : { "if-match": `"${version}"` }),
          ...(body === undefined ? {} : { "content-type": "application/json" })
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      const text = await answer.text()
      const at = position()
      const outcome = answer.ok ? String(answer.status) : textOf(fieldOf(JSON.parse(text), "error"), "code")
      answers.set(outcome, (answers.get(outcome) ?? 0) + 1)
      return { ok: answer.ok, at, status: answer.status, data: fieldOf(JSON.parse(text === "" ? "{}" : text), "data") }
    }
    const orderTold = (data: unknown, at: number) => {
      const executedQuantity = textOf(data, "executedQuantity")
      told.push({
        what: "order",
        id: textOf(data, "id"),
        executedQuantity,
        ended: ended.has(textOf(data, "status")),
        at
      })
    }
    const ruleTold = (data: unknown, at: number) => {
      const version = Number(fieldOf(data, "version"))
      told.push({ what: "rule", id: textOf(data, "id"), version, at })
      return version
    }

    const trade = async (user: string) => {
      for (let n = 0; Date.now() < deadline && !stop.aborted; n++) {
        const isResting = n % 4 === 3
        const order = isResting
          ? { symbol: "BTCUSDT", side: "buy", type: "limit", quantity: "0.001", price: "9000", waitMs: 0 }
          : { symbol: "BTCUSDT", side: "buy", type: "market", quoteAmount: "11", waitMs: 300 }
        const placed = await send(user, "POST", "trading/orders", order)
        if (placed.ok) orderTold(placed.data, placed.at)
        else await pause(100)
        if (!placed.ok || !isResting) continue
        const cancelled = await send(user, "DELETE", `trading/orders/${textOf(placed.data, "id")}`)
        if (cancelled.ok) orderTold(cancelled.data, cancelled.at)
      }
    }
    const automate = async (user: string) => {
      for (let n = 0; Date.now() < deadline && !stop.aborted; n++) {
        const rule = { ...rules[n % rules.length], name: `${user} ${n}` }
        const made = await send(user, "POST", "trading/rules", rule)
        if (!made.ok) continue
        const version = ruleTold(made.data, made.at)
        await pause(1_500)
        const id = textOf(made.data, "id")
        const changed = await send(user, "PUT", `trading/rules/${id}`, { ...rule, name: "changed" }, version)
        if (changed.ok) ruleTold(changed.data, changed.at)
        await pause(1_500)
        const paused = await send(user, "POST", `trading/rules/${id}/pause`)
        if (paused.ok) ruleTold(paused.data, paused.at)
      }
    }
    const follow = async (user: string) => {
      const answer = await fetch(`${url}/api/v1/events`, {
        signal: stop,
        headers: { authorization: `Bearer ${keys.get(user)}`, accept: "text/event-stream" }
      })
      let text = ""
      const decoder = new TextDecoder()
      for await (const chunk of answer.body ?? []) {
        const at = position()
        text += decoder.decode(chunk, { stream: true })
        const whole = text.lastIndexOf("\n")
        for (const [, seq] of text.slice(0, whole + 1).matchAll(/^id: (\d+)$/gm))
          told.push({ what: "event", user, seq: Number(seq), at })
        text = text.slice(whole + 1)
      }
    }
    // Whoever is cut off by the end of the service has not been told.
    const working = users.flatMap((user) => [trade(user), trade(user), trade(user), automate(user), follow(user)])
    return Promise.all(working.map((work) => work.catch(() => undefined)))
  }

  const keys = new Map<string, string>()
  keys.set("ann", await keyOf("ann"))
  for (const signal of ["SIGTERM", "SIGKILL", "SIGTERM"] as const) {
    const service = await serve()
    for (const user of users) if (!keys.has(user)) keys.set(user, await keyOf(user))
    const stop = new AbortController()
    const worked = until(Date.now() + secondsEach * 1_000 + 500, service.said, keys, stop.signal)
    await pause(secondsEach * 1_000)
    await service.end(signal)
    stop.abort()
    await worked
  }
  await exchange.end("SIGKILL")
  return { log, data, told, answers }
}
