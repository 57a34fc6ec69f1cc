import { Effect } from "effect"
import { build } from "esbuild"
import { join } from "node:path"
import { temporaryFolder } from "../kit/Process.ts"

/** `paperProcess.ts` as a program, in a folder of its own. */
export const unlimitedPaper = Effect.flatMap(temporaryFolder, (folder) =>
  Effect.promise(async () => {
    const outfile = join(folder, "paper.mjs")
    await build({
      entryPoints: ["test/bench/paperProcess.ts"],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20.19",
      external: ["libsql", "bufferutil", "utf-8-validate"],
      banner: {
        js: `import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);`
      }
    })
    return { outfile, folder }
  })
)
