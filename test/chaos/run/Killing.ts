import type { Client } from "./load/Client.ts"
import type { Exchange } from "./machine/Exchange.ts"
import type { Journal } from "./machine/Journal.ts"
import type { Service } from "./machine/Service.ts"
import { sleep } from "./machine/Time.ts"
import type { Life } from "./plan/Plan.ts"

export interface Killed {
  total: number
  nearSubmit: number
  inRecovery: number
  /** By the fail point itself. */
  atPoint: number
}

/** A kill counts as near a submit when an order was asked for, or booked, so shortly before. */
const near = 50
/** Longest wait for an order to be sent. */
const patience = 10_000

export const makeKilling = (
  service: Service,
  client: Client,
  exchange: Exchange,
  journal: Journal,
  at: string | null,
  beforeStart: () => void
) => {
  const killed: Killed = { total: 0, nearSubmit: 0, inRecovery: 0, atPoint: 0 }
  let bookedAt = 0
  let submitted: (() => void) | null = null
  const notice = () => submitted?.()
  const watching = exchange.watch(() => {
    bookedAt = Date.now()
    notice()
  })
  client.onOrder(notice)

  const kill = async (why: string) => {
    const since = Date.now() - Math.max(bookedAt, client.lastOrderAskAt())
    if (since <= near) killed.nearSubmit++
    killed.total++
    await service.kill({ why, sinceSubmitMs: since })
  }

  const nextSubmit = () =>
    Promise.race([
      new Promise<void>((resolve) => {
        submitted = () => {
          submitted = null
          resolve()
        }
      }),
      sleep(patience)
    ])

  /** An order may have gone while the service was dying of something else: then it is only started again. */
  const startAgain = async (extra: Readonly<Record<string, string>> = {}) => {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await service.start(extra)) return
      if (extra["FAIL_AT"] !== undefined) return
      await sleep(500)
    }
    throw new Error("the service does not start any more")
  }

  /** It kills itself at the step; one that is not reached in time is killed from outside. */
  const untilPoint = async (life: Life) => {
    const process = service.process()
    const reached = await Promise.race([
      process?.ended.then(() => true),
      sleep(life.upMs * 2 + patience).then(() => false)
    ])
    if (reached !== true) return kill(`${at} was not reached`)
    killed.total++
    killed.atPoint++
    journal.note({ kind: "killed", why: `at ${at}` })
  }

  const live = async (life: Life) => {
    if (at !== null) await untilPoint(life)
    else {
      await sleep(life.upMs)
      if (life.by === "submit") {
        await nextSubmit()
        await sleep(life.delayMs)
      }
      await kill(life.by)
    }
    for (const afterMs of life.recovery) {
      service.begin()
      await sleep(afterMs)
      killed.inRecovery++
      await kill("recovery")
    }
  }

  return {
    killed,
    kill,
    startAgain,
    run: async (lives: ReadonlyArray<Life>, told: (text: string) => void) => {
      for (const [index, life] of lives.entries()) {
        await live(life)
        beforeStart()
        const next = lives[index + 1]
        await startAgain(at === null || next === undefined ? {} : { FAIL_AT: `${at}:${next.times}` })
        told(`${killed.total} kills, ready again after ${service.readyMs.at(-1) ?? "?"} ms`)
      }
    },
    end: () => watching.end()
  }
}
