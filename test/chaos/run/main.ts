import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { makeBalancing } from "./Balancing.ts"
import { makeFaulting } from "./Faulting.ts"
import { makeKilling } from "./Killing.ts"
import { makeClient } from "./load/Client.ts"
import { runLoad } from "./load/Load.ts"
import { makePeople } from "./load/People.ts"
import { startExchange } from "./machine/Exchange.ts"
import { Journal } from "./machine/Journal.ts"
import { makeService } from "./machine/Service.ts"
import { makeSleep } from "./machine/Sleep.ts"
import { until } from "./machine/Time.ts"
import { type Options, parse, usage } from "./Options.ts"
import { planOf } from "./plan/Plan.ts"
import { type Row, quantiles, table } from "./Report.ts"
import { makeSettling } from "./Settling.ts"
import { judge } from "./Verdict.ts"

const root = join(import.meta.dirname, "../..")
const passed = 0
const violated = 1
const void_ = 2
/** Two sweeps for what happened elsewhere, and two readings of a balance that nobody explains (docs/reliability.md). */
const longestBalancing = 120_000

const run = async (options: Options): Promise<number> => {
  const began = Date.now()
  const folder = resolve(options.folder ?? join(tmpdir(), `chaos-${options.seed}`))
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, "data"), { recursive: true })
  const plan = planOf(options)
  writeFileSync(join(folder, "plan.json"), JSON.stringify({ options, ...plan }, null, 1))
  const say = (text: string) => console.log(`${((Date.now() - began) / 1_000).toFixed(0).padStart(4)} s  ${text}`)
  say(`seed ${options.seed}: ${plan.lives.length} lives, ${options.kills} kills, in ${folder}`)

  const clockFile = join(folder, "clock")
  writeFileSync(clockFile, "0")
  const clock = ["--import", join(root, "test/chaos/run/machine/clock.mjs")]
  const program = [...clock, resolve(options.program ?? join(root, "dist/main.js"))]
  const journal = new Journal(join(folder, "client.jsonl"))
  journal.note({ kind: "run", seed: options.seed })
  const exchange = await startExchange(program, folder, options.seed, { CHAOS_CLOCK: clockFile, LOG_FORMAT: "json" })
  const settings = {
    CHAOS_CLOCK: clockFile,
    DATA_DIR: join(folder, "data"),
    PAPER_URL: exchange.url,
    LOG_FORMAT: "json",
    API_RATE_PER_MINUTE: "100000"
  }
  const service = await makeService(program, folder, journal, settings)
  // Whoever breaks the run off leaves nothing behind.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      void service.process()?.stop("SIGKILL")
      void exchange.process.stop("SIGKILL")
      process.exit(violated)
    })
  try {
    if (!(await service.start())) throw new Error(`the service did not start: see ${folder}/service.log`)
    const tokens = new Map<string, string>()
    const client = makeClient(service, journal, tokens)
    const people = await makePeople({ options, program, folder, settings, service, exchange, client, journal, tokens })
    const sleepMachines = makeSleep(exchange, journal, clockFile)
    const faulting = makeFaulting(exchange, journal, options.faults, people.victim, [...people.accessKeys.values()])
    const killing = makeKilling(service, client, exchange, journal, options.at, () => {
      if (faulting.isPunished()) sleepMachines(61_000)
      faulting.forgive()
    })
    say(`${options.users} users, ${plan.actions.length} actions planned; the load begins`)

    const loadBegan = Date.now()
    const load = runLoad(options, plan.actions, people.all, exchange, loadBegan)
    const injecting = faulting.run(plan.injections, loadBegan)
    await killing.run(plan.lives, say)
    if (plan.lives.length === 0) await until(() => Date.now() - loadBegan > options.minutes * 60_000, Infinity)
    const neverFired = await faulting.complete(options.seed, 45_000)
    const fired = await exchange.fired()
    load.rest()
    await faulting.end()
    say("faults off")

    const settle = makeSettling(people.all, service, exchange, sleepMachines, faulting.isPunished, () =>
      killing.startAgain()
    )
    const settled = await settle()
    const balanced = await until(makeBalancing(people.all, exchange, people.accessKeys), longestBalancing, 2_000)
    say(balanced ? "every ledger is balanced" : "not every ledger is balanced")
    journal.note({ kind: "quiet", ...settled })
    say(settled.trouble === null ? `quiet after ${(settled.quietMs / 1_000).toFixed(1)} s` : settled.trouble)
    await load.end()
    await people.end()
    killing.end()
    const verdict = await judge(root, folder, service, exchange, client, tokens, journal)
    await injecting

    const { killed } = killing
    const rows: ReadonlyArray<Row> = [
      ["seed", options.seed],
      ["kills", killed.total],
      ["kills within 50 ms of a submit", killed.nearSubmit],
      ["kills during recovery", killed.inRecovery],
      ...(options.at === null ? [] : [[`kills at ${options.at}`, killed.atPoint] as const]),
      ["time to ready", quantiles(service.readyMs)],
      ["orders at the exchange", verdict.orders],
      ["fills", verdict.fills],
      ["events on streams", people.all.length === 0 ? 0 : people.events()],
      ["unknown orders settled by hand", settled.byHand],
      ["quiet after", `${(settled.quietMs / 1_000).toFixed(1)} s`],
      ["duration", `${((Date.now() - began) / 1_000).toFixed(0)} s`],
      ["violations", verdict.violations ?? "not judged"]
    ]
    console.log(table("\nchaos", rows))
    console.log(
      table(
        "\nrequests by outcome",
        [...client.outcomes].toSorted(([a], [b]) => (a < b ? -1 : 1))
      )
    )
    if (options.faults.length > 0)
      console.log(
        table(
          "\nfaults that happened",
          options.faults.map((name) => [name, fired.get(name) ?? 0])
        )
      )
    for (const accident of service.accidents) console.log(`\n${accident}`)
    const quarantined = people.all.flatMap((person) => [...person.quarantined()])
    for (const rule of quarantined) console.log(`\nquarantined: ${rule}`)
    if (settled.trouble !== null) console.log(`\nnot quiet: ${settled.trouble}`)
    console.log(`\n${verdict.text}`)

    if (verdict.violations !== 0 || service.accidents.length > 0 || quarantined.length > 0 || settled.trouble !== null)
      return violated
    const unproven = [
      ...neverFired.map((name) => `the fault ${name} never happened (${faulting.refused.get(name) ?? "no occasion"})`),
      ...(options.at !== null && killed.atPoint === 0 ? [`${options.at} was never reached`] : []),
      ...(options.at === null && killed.nearSubmit < Math.floor(options.kills / 5)
        ? [`only ${killed.nearSubmit} of ${killed.total} kills were near a submit`]
        : [])
    ]
    for (const why of unproven) console.log(`void: ${why}`)
    return unproven.length === 0 ? passed : void_
  } finally {
    journal.close()
    if (service.process()?.isOver() === false) await service.process()?.stop("SIGKILL")
    await exchange.process.stop("SIGKILL")
  }
}

const options = parse(process.argv.slice(2))
if (typeof options === "string") {
  console.error(`${options}\n${usage}`)
  process.exit(2)
}
process.exit(await run(options))
