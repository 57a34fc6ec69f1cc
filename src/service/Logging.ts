import { Layer, Logger, LogLevel } from "effect"
import { stdout } from "node:process"
import type { Settings } from "../Config.ts"

const levels = {
  trace: LogLevel.Trace,
  debug: LogLevel.Debug,
  info: LogLevel.Info,
  warn: LogLevel.Warning,
  error: LogLevel.Error
} as const

/** Logs go to stderr, so that stdout carries data only: one JSON object a line, or for people on a terminal. */
export const layer = ({ logFormat, logLevel }: Pick<Settings, "logFormat" | "logLevel">) => {
  const pretty = (logFormat ?? (stdout.isTTY ? "pretty" : "json")) === "pretty"
  const logger = pretty ? Logger.prettyLogger({ stderr: true }) : Logger.withConsoleError(Logger.jsonLogger)
  return Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(levels[logLevel]))
}
