import { Effect, Option, Stream } from "effect"
import { readFile } from "node:fs/promises"
import { WrongSetting } from "../../Setting.ts"
import type { Certificate } from "./Listening.ts"

/** Where the certificate and its key are, as PEM. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** Soon enough for a certificate that was renewed weeks before its end; no file is watched, because links are replaced. */
const lookEvery = "1 minute"

const readPem = (name: string, file: string) =>
  Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: () => new WrongSetting({ name, problem: `${file} cannot be read`, example: "/etc/dipper/tls.pem" })
  })

const read = ({ cert, key }: CertificateFiles) =>
  Effect.all({ cert: readPem("TLS_CERT_FILE", cert), key: readPem("TLS_KEY_FILE", key) })

/** What the files hold now, and each time that they hold something else. */
export const certificateOf = (files: CertificateFiles): Effect.Effect<Certificate, WrongSetting> =>
  Effect.map(read(files), (first) => {
    const again = Effect.map(read(files), Option.some).pipe(
      Effect.catchAll(({ message }) =>
        Effect.as(
          Effect.logWarning("The certificate cannot be read again; the one before serves on", message),
          Option.none()
        )
      )
    )
    const renewals = Stream.repeatEffect(Effect.delay(again, lookEvery)).pipe(
      Stream.filterMap((found) => found),
      (later) => Stream.concat(Stream.make(first), later),
      Stream.changesWith((a, b) => a.cert === b.cert && a.key === b.key),
      Stream.drop(1)
    )
    return { ...first, renewals }
  })
