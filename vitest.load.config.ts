import { mergeConfig } from "vitest/config"
import bench from "./vitest.bench.config.ts"

/** What many clients at once do to the service: printed, not asserted but for what must hold on any machine. */
export default mergeConfig(bench, { test: { include: ["test/load/**/*.load.ts"] } })
