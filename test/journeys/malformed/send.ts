import { Effect } from "effect"
import { Agent, type IncomingHttpHeaders, request } from "node:http"
import type { Draft } from "./faults.ts"

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Keeps its connections, so that an answer that breaks one is noticed by the next request. */
export const makeSend = (url: string, connections: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Agent({ keepAlive: true, maxSockets: connections })),
      (agent) => Effect.sync(() => agent.destroy())
    ),
    (agent) =>
      ({ body, headers, method, path, query, rawQuery }: Draft) =>
        Effect.async<Answer, string>((resume) => {
          const search =
            rawQuery ??
            query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&")
          const { hostname, port } = new URL(url)
          const sent = request({
            agent,
            hostname,
            port,
            method,
            path: search === "" ? path : `${path}?${search}`,
            headers: {
              ...headers,
              ...(body === null || headers["transfer-encoding"] !== undefined ? {} : { "content-length": body.length })
            }
          })
          sent
            .on("response", (response) => {
              const chunks: Array<Buffer> = []
              response
                .on("data", (chunk: Buffer) => chunks.push(chunk))
                .on("end", () =>
                  resume(
                    Effect.succeed({
                      status: response.statusCode ?? 0,
                      headers: response.headers,
                      body: Buffer.concat(chunks).toString()
                    })
                  )
                )
                .on("error", (fault) => resume(Effect.fail(`broken answer: ${fault.message}`)))
            })
            .on("error", (fault) => resume(Effect.fail(fault.message)))
          sent.end(body ?? undefined)
        })
  )
