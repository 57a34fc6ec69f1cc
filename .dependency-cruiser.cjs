/**
 * The import law: a folder imports only lower ranks and itself. Folders of one rank do not know each other.
 * [rank, name, path]
 */
const ranks = [
  [0, "Config", "^src/(Config|Setting)\\.ts$"],
  [0, "domain", "^src/domain/"],
  [0, "FailPoints", "^src/FailPoints\\.ts$"],
  [0, "Waiting", "^src/Waiting\\.ts$"],
  [1, "api", "^src/api/"],
  [1, "wire", "^src/mexc/wire/"],
  [1, "MarketClock", "^src/MarketClock\\.ts$"],
  [1, "migrations", "^migrations/"],
  [2, "mexc", "^src/mexc/(?!wire/)"],
  [2, "paper", "^src/paper/"],
  [2, "store", "^src/store/"],
  [2, "notify", "^src/notify/"],
  [3, "accounts", "^src/accounts/"],
  [3, "market", "^src/market/"],
  [4, "portfolio", "^src/portfolio/"],
  [5, "orders", "^src/orders/"],
  [6, "autobuy", "^src/autobuy/"],
  [7, "service", "^src/service/"],
  [8, "http", "^src/http/"],
  [9, "root", "^src/(App|Cli|DemoRun|Venue|SignIn|main)\\.ts$"]
]

const rankRules = ranks.flatMap(([rank, name, path]) => {
  const refused = ranks.filter(([other, otherName]) => other >= rank && otherName !== name).map(([, , to]) => to)
  return refused.length === 0
    ? []
    : [{ name: `rank-${rank}-${name}`, severity: "error", from: { path }, to: { path: refused } }]
})

module.exports = {
  forbidden: [
    ...rankRules,
    {
      name: "has-a-rank",
      comment: "A new folder enters the table above before it enters the source.",
      severity: "error",
      from: {},
      to: { path: "^src/", pathNot: ranks.map(([, , path]) => path) }
    },
    { name: "no-file-cycle", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-folder-cycle",
      severity: "error",
      scope: "folder",
      // The rank table already orders the files that lie directly in src.
      from: { pathNot: "^src$" },
      to: { circular: true, pathNot: "^src$" }
    },
    { name: "src-never-imports-test", severity: "error", from: { path: "^(src|migrations)/" }, to: { path: "^test/" } },
    { name: "chaos-stands-alone", severity: "error", from: { path: "^test/chaos/" }, to: { path: "^src/" } },
    {
      name: "no-unused-file",
      severity: "error",
      from: { orphan: true, path: "^(src|migrations)/" },
      to: {}
    },
    {
      name: "declared-packages-only",
      severity: "error",
      from: {},
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] }
    },
    {
      name: "no-development-package-in-src",
      severity: "error",
      from: { path: "^(src|migrations)/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] }
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } }
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // Type imports count.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] }
  }
}
