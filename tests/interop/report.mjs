// What the scripts share. They print lines for `cargo xtask interop`, whose parts are separated by tabs:
//   documented PACKAGE VERSION HEADING              a section of the package's README with code
//   result PACKAGE VERSION SCENARIO RESULT DETAIL   the result is passed, failed, or left out
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as asModule from "@azure/logger";

let current;

const print = (...parts) => console.log(parts.map((part) => String(part).replace(/\s+/g, " ").trim()).join("\t"));

// The headings of a README, each with whether its own text contains code in this language.
function documented(readme) {
  const found = new Set();
  let [heading, inCode] = ["", false];
  for (const line of readme.split("\n")) {
    const [, fence] = /^\s*```(\S*)/.exec(line) ?? [];
    if (fence === undefined) {
      const [, title] = (!inCode && /^#{1,6} +(.*\S)/.exec(line)) || [];
      heading = title ?? heading;
    } else {
      inCode = !inCode;
      if (inCode && /^(ts|typescript|js|javascript)$/.test(fence)) found.add(heading.replaceAll("`", ""));
    }
  }
  return found;
}

/** The scenarios that follow are those of this installed package. */
export function sdk(name) {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
  current = [name, version];
  for (const heading of documented(readFileSync(`node_modules/${name}/README.md`, "utf8"))) print("documented", ...current, heading);
}

export function expect(holds, what) {
  if (!holds) throw new Error(`not seen: ${what}`);
}

/** Runs a scenario, whose names are operations, samples, or `README: HEADING`. */
export async function scenario(names, work) {
  const [result, detail] = await work().then(() => ["passed", ""], (error) => ["failed", error?.message ?? error]);
  for (const name of [names].flat()) print("result", ...current, name, result, detail);
}

export function leftOut(reason, ...names) {
  for (const name of names) print("result", ...current, name, "left out", reason);
}

export function packageLeftOut(name, version, reason) {
  print("result", name, version, "all", "left out", reason);
}

/** The logger of packages that Node loads as CommonJS. It shares nothing with the other one. */
export const asCommonJs = createRequire(import.meta.url)("@azure/logger");

/** What "Enable logs" shows: at run time, for the requests of `work`, which must not reveal the secret. */
export async function logged(secret, work, { AzureLogger, setLogLevel } = asModule) {
  const [lines, log] = [[], AzureLogger.log];
  AzureLogger.log = (...args) => lines.push(args.map(String).join(" "));
  setLogLevel("info");
  try {
    await work();
  } finally {
    setLogLevel(undefined);
    AzureLogger.log = log;
  }
  expect(lines.length > 0, "a line of the log");
  expect(!lines.some((line) => line.includes(secret)), "a log without the secret");
}
