import { faultNames, isFaultName } from "./plan/Faults.ts"

export interface Options {
  readonly kills: number
  readonly seed: number
  readonly faults: ReadonlyArray<string>
  readonly users: number
  readonly rules: number
  /** How long the load runs; the kills are spread over it. */
  readonly minutes: number
  /** A step of the service at which it kills itself, instead of kills from outside; needs a build with fail points. */
  readonly at: string | null
  /** Denser occasions for what only a broken build does wrong; it takes longer to come to rest. */
  readonly isCrowded: boolean
  readonly program: string | null
  readonly folder: string | null
}

/** In a crowd is one more, who has nothing to do but what the crowd's plan says: nothing else disturbs it. */
export const peopleIn = ({ isCrowded, users }: Options): number => users + (isCrowded ? 1 : 0)

export const usage = `usage: npm run chaos -- --kills N --seed S [--faults all|NAME…] [--users U --rules R --minutes M] [--at POINT]
                    [--crowded] [--program PATH] [--out DIR]
  faults: ${faultNames.join(" ")}`

const names = [
  "--kills",
  "--seed",
  "--faults",
  "--users",
  "--rules",
  "--minutes",
  "--at",
  "--crowded",
  "--program",
  "--out"
]

/** What a person typed, or the sentence that says what is wrong with it. */
export const parse = (words: ReadonlyArray<string>): Options | string => {
  const given = new Map<string, Array<string>>()
  let name = ""
  for (const word of words) {
    if (word.startsWith("--")) {
      name = word
      if (!names.includes(name)) return `there is no option ${name}`
      given.set(name, [])
    } else if (name === "") return `"${word}" belongs to no option`
    else given.get(name)?.push(word)
  }
  const wrong: Array<string> = []
  const number = (option: string, standard: number, low: number, high: number) => {
    const words = given.get(option)
    const value = words === undefined ? standard : Number(words[0])
    if (!(value >= low && value <= high)) wrong.push(`${option} takes a number from ${low} to ${high}`)
    return value
  }
  const text = (option: string) => given.get(option)?.[0] ?? null
  const faults = (given.get("--faults") ?? []).flatMap((word) => word.split(","))
  const chosen = faults.includes("all") ? faultNames : faults
  for (const fault of chosen) if (!isFaultName(fault)) wrong.push(`there is no fault "${fault}"`)
  const kills = Math.trunc(number("--kills", 25, 0, 1_000_000))
  const options: Options = {
    kills,
    seed: Math.trunc(number("--seed", 1, 0, 4_294_967_295)),
    faults: chosen,
    users: Math.trunc(number("--users", 3, 1, 50)),
    rules: Math.trunc(number("--rules", 18, 0, 500)),
    minutes: number("--minutes", Math.max(0.5, (kills * 6) / 60), 0.1, 10_000),
    at: text("--at"),
    isCrowded: given.has("--crowded"),
    program: text("--program"),
    folder: text("--out")
  }
  return wrong[0] ?? options
}
