import { execFileSync } from "node:child_process"
import { join } from "node:path"

/** Journeys start the built program: build it from what is tested now. */
export default function build(): void {
  execFileSync(process.execPath, [join(import.meta.dirname, "../../scripts/build.mjs")], { stdio: "inherit" })
}
