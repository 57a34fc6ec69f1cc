import { createHmac, timingSafeEqual } from "node:crypto"

/** The text that was signed: query then body, each as received, without its `signature` parameter. */
export const signedText = (query: string, body: string): string => withoutSignature(query) + withoutSignature(body)

const withoutSignature = (text: string): string =>
  text.includes("signature=")
    ? text
        .split("&")
        .filter((pair) => !pair.startsWith("signature="))
        .join("&")
    : text

/** HMAC-SHA256 in lower-case hex; upper case is not accepted. */
export const isSignedBy = (secret: string, text: string, signature: string): boolean => {
  const expected = Buffer.from(createHmac("sha256", secret).update(text).digest("hex"))
  const given = Buffer.from(signature)
  return expected.length === given.length && timingSafeEqual(expected, given)
}
