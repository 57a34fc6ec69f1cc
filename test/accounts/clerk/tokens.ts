import { createHmac, createSign, generateKeyPairSync, type KeyObject } from "node:crypto"

/** A Clerk instance that signs nothing but what a test asks for; made once for each file of tests. */
export const issuer = "https://clerk.bot.test"
export const party = "https://app.bot.test"
export const kid = "ins_test"

export const makeKeys = (modulusLength = 2_048) => generateKeyPairSync("rsa", { modulusLength })
export const keys = makeKeys()
export const pem = keys.publicKey.export({ type: "spki", format: "pem" }).toString()

export const jwkOf = (key: KeyObject, id: string, more: object = {}) => ({
  ...key.export({ format: "jwk" }),
  kid: id,
  alg: "RS256",
  use: "sig",
  ...more
})

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")

/** Claims as Clerk makes them, version 2; `undefined` leaves one out. */
export const claims = (more: object = {}) => {
  const now = Math.floor(Date.now() / 1_000)
  return {
    azp: party,
    iss: issuer,
    iat: now,
    nbf: now - 10,
    // Clerk gives a minute; a busy machine may take longer to come to a test.
    exp: now + 600,
    sid: "sess_2test",
    sub: "user_2test",
    sts: "active",
    fva: [3, -1],
    v: 2,
    ...more
  }
}

export const header = (more: object = {}) => ({ alg: "RS256", cat: "cl_B7d4PD111AAA", kid, typ: "JWT", ...more })

const signed = (input: string, key: KeyObject, digest: string) =>
  `${input}.${createSign(digest).update(input).sign(key).toString("base64url")}`

/** Signs whatever it is given, also what is no object. */
export const sign = (head: unknown, body: unknown, key: KeyObject = keys.privateKey, digest = "RSA-SHA256") =>
  signed(`${encoded(head)}.${encoded(body)}`, key, digest)

/** Signed with a payload that `JSON.stringify` would not write. */
export const signText = (payload: string) =>
  signed(`${encoded(header())}.${Buffer.from(payload).toString("base64url")}`, keys.privateKey, "RSA-SHA256")

export const mint = (body: object = {}, head: object = {}, key: KeyObject = keys.privateKey) =>
  sign(header(head), claims(body), key)

export const hs256 = (secret: string) => {
  const input = `${encoded(header({ alg: "HS256" }))}.${encoded(claims())}`
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/** The same bytes with unused bits of the last letter set: a signature of 256 bytes leaves four of them. */
export const respelled = (part: string) => part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.slice(-1)) ^ 1)

/** One to three letters changed, left out, doubled or swapped; never the token itself. */
export const mutated = (token: string, random: { readonly int: (low: number, high: number) => number }): string => {
  let text = token
  for (let left = random.int(1, 3); left > 0; left--) {
    const at = random.int(0, text.length - 2)
    const [before, letter, after] = [text.slice(0, at), text.charAt(at), text.slice(at + 1)]
    const other = alphabet.charAt(random.int(0, alphabet.length - 1))
    text =
      before +
      [other + after, after, letter + letter + after, after.charAt(0) + letter + after.slice(1), `${letter}.${after}`][
        random.int(0, 4)
      ]
  }
  return text === token ? mutated(token, random) : text
}

export const unsigned = (alg: string) => `${encoded(header({ alg }))}.${encoded(claims())}.`
