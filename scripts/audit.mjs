// `npm run audit`: known faults of the packages, and the signatures of the registry. Needs a registry that answers audits;
// where none does it says so and is no failure. 1: a package of production has a fault of at least "high", or a bad signature.
import { spawnSync } from "node:child_process"

const npm = (...args) => spawnSync("npm", args, { encoding: "utf8", timeout: 120_000 })
const read = (text) => {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

let failed = false

const { stdout: advisories } = npm("audit", "--json", "--omit", "dev", "--audit-level", "high")
const { metadata, vulnerabilities } = read(advisories)
if (metadata?.vulnerabilities === undefined) console.log("not audited: the registry answers no audits")
else {
  const { critical, high, total } = metadata.vulnerabilities
  console.log(`audited: ${total} known faults, ${high + critical} of them high or critical`)
  for (const [name, { range, severity }] of Object.entries(vulnerabilities ?? {}))
    console.log(`  ${severity} ${name} ${range}`)
  failed ||= high + critical > 0
}

const { stdout: signatures } = npm("audit", "signatures", "--json")
const { invalid, missing } = read(signatures)
if (invalid === undefined || missing === undefined) console.log("signatures not checked: the registry tells none")
else {
  console.log(`signatures: ${invalid.length} invalid, ${missing.length} missing`)
  failed ||= invalid.length > 0
}

process.exit(failed ? 1 : 0)
