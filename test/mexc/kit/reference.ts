import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = process.env["DIPPER_REFERENCE"] ?? "../shared"
export const fixturesFolder = join(root, "reference", "mexc-fixtures")
export const hasFixtures = existsSync(fixturesFolder)

export const fixture = (file: string): unknown => JSON.parse(readFileSync(join(fixturesFolder, file), "utf8"))
