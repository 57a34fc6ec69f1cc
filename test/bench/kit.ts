import { Effect } from "effect"
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Lowest, middle and highest of a few runs: on a noisy machine one number says little. */
export const spread = (values: ReadonlyArray<number>, digits = 0): string =>
  `${median(values).toFixed(digits)} [${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}]`

export const print = (title: string, rows: ReadonlyArray<readonly [name: string, value: string]>): void => {
  const width = Math.max(...rows.map(([name]) => name.length))
  console.log(`\n${title}\n${rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join("\n")}`)
}

/** Resident memory of a process in MB. */
export const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1024

/** CPU time a process has used, ms: what a request costs, however busy the machine is. */
export const cpuMs = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** What nobody can do without: a process of bare `node:http` that answers each request with the same bytes. */
export const bareServer = (body: string, status = 200) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = spawn(process.execPath, [
        "-e",
        `const body=${JSON.stringify(body)};require('node:http').createServer((q,s)=>{s.writeHead(${status},{'content-type':'application/json','content-length':Buffer.byteLength(body)});s.end(body)}).listen(0,'127.0.0.1',function(){console.log(this.address().port)})`
      ])
      const port = await new Promise<string>((resolve) =>
        child.stdout.once("data", (data) => resolve(String(data).trim()))
      )
      return { child, url: `http://127.0.0.1:${port}/` }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )
