// `collect URL keys.json OUT`: what the service has, through its public API only, one JSON object a line.
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs"
import { makeApi } from "./collecting/Api.ts"
import { statusPaths } from "./collecting/Sections.ts"
import { collectUser } from "./collecting/User.ts"
import { type Json, objectOf, text } from "./Reading.ts"

const collect = async (url: string, keys: string, out: string): Promise<void> => {
  const tokens = objectOf(JSON.parse(readFileSync(keys, "utf8")))
  const users = Object.keys(tokens).toSorted()
  const file = openSync(out, "w")
  let lines = 0
  const write = (line: Json) => {
    lines++
    writeSync(file, `${JSON.stringify(line)}\n`)
  }
  write({ kind: "service", users })
  const [first] = users
  if (first === undefined) throw new Error(`${keys} names no user`)
  const status = makeApi(url, text(tokens, first))
  for (const user of users) await collectUser(user, makeApi(url, text(tokens, user)), write)
  for (const path of statusPaths) write({ kind: "status", path, data: (await status.get(path)).data })
  // Without it the record is torn.
  write({ kind: "end", lines })
  fsyncSync(file)
  closeSync(file)
}

const [url, keys, out] = process.argv.slice(2)
if (url === undefined || keys === undefined || out === undefined) {
  console.error("usage: collect URL keys.json OUT")
  process.exit(2)
}
try {
  await collect(url, keys, out)
} catch (failure) {
  console.error(`collect: ${failure instanceof Error ? failure.message : String(failure)}`)
  process.exit(1)
}
