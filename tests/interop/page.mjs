// The page of the emulator in a headless Chromium, over its debugging protocol and without packages. Usage:
//   node tests/interop/page.mjs target/debug/service-emulator target/page
// Needs Node 22 (or Node 20 with --experimental-websocket) and Chromium (on Debian: apt-get install --no-install-recommends chromium). Writes screenshots to the directory.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [program, directory] = process.argv.slice(2);
const children = [];

function start(command, args) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  return child;
}

/** The first line of a stream that matches. */
async function line(stream, pattern) {
  for await (const text of createInterface({ input: stream })) {
    const found = text.match(pattern);
    if (found) return found;
  }
  throw new Error(`no line matches ${pattern}`);
}

function check(holds, what) {
  if (!holds) throw new Error(what);
  console.log(`ok  ${what}`);
}

/** Waits for a condition of the page, or fails after 10 s. */
async function until(condition, what) {
  const end = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
  console.log(`ok  ${what}`);
}

/** A tab of the browser. */
class Tab {
  static async open(port) {
    const response = await fetch(`http://127.0.0.1:${port}/json/new?about:blank`, { method: "PUT" });
    const tab = new Tab();
    tab.socket = new WebSocket((await response.json()).webSocketDebuggerUrl);
    tab.waiting = new Map();
    tab.next = 1;
    tab.socket.onmessage = ({ data }) => {
      const { id, result, error } = JSON.parse(data);
      if (id) tab.waiting.get(id)(error ? Promise.reject(new Error(error.message)) : result);
    };
    await new Promise((opened) => { tab.socket.onopen = opened; });
    await tab.call("Page.enable");
    return tab;
  }

  call(method, params = {}) {
    const id = this.next++;
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => { this.waiting.set(id, resolve); });
  }

  async evaluate(expression) {
    const { result } = await this.call("Runtime.evaluate", { expression, returnByValue: true });
    return result.value;
  }

  text() {
    return this.evaluate("document.body ? document.body.innerText : ''");
  }

  async go(url) {
    await this.call("Page.navigate", { url });
    await until(async () => (await this.evaluate("document.readyState")) === "complete", `loaded ${url}`);
  }

  async key(key, text) {
    const code = { Tab: 9, Enter: 13 }[key] ?? 0;
    const event = { key, code: key, windowsVirtualKeyCode: code, text };
    await this.call("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** Moves the focus with the Tab key until it is on an element with this id. */
  async tabTo(id) {
    for (let presses = 0; presses < 60; presses += 1) {
      if ((await this.evaluate("document.activeElement.id")) === id) return;
      await this.key("Tab");
    }
    throw new Error(`the Tab key does not reach ${id}`);
  }

  async screenshot(name, scheme) {
    await this.call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    const { data } = await this.call("Page.captureScreenshot", { captureBeyondViewport: true });
    writeFileSync(join(directory, `${name}-${scheme}.png`), Buffer.from(data, "base64"));
  }
}

function client(ready, user) {
  const path = "/client/hubs/chat";
  const key = ready.environment.WEBPUBSUB_CONNECTION_STRING.match(/AccessKey=([^;]*)/)[1];
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { aud: ready.endpoint + path, exp: Date.now() / 1000 + 600, sub: user, "webpubsub.group": ["room"] };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  const token = `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
  const socket = new WebSocket(`${ready.endpoint.replace("http", "ws")}${path}?access_token=${token}`);
  const received = [];
  socket.onmessage = ({ data }) => received.push(data);
  return received;
}

/** What was typed into the field of a token remains when another Agent of the same section changes. */
async function keepsTypedToken(tab) {
  const token = "of-this-test";
  const emulator = start(program, ["--ready", "json", "--log", "off", "--control-token", token]);
  const { endpoint } = JSON.parse((await line(emulator.stdout, /.*ready.*/))[0]);
  await tab.go(endpoint);
  await until(async () => (await tab.text()).includes("Live."), "the page with a token is live");
  await tab.tabTo("token-tokyo-send");
  await tab.call("Input.insertText", { text: token });
  const before = await tab.evaluate("document.querySelectorAll('[id^=disconnect-]').length");
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  await fetch(`${endpoint}/_emulator/hulft/agents/tokyo-receive`, { method: "DELETE", headers });
  const count = () => tab.evaluate("document.querySelectorAll('[id^=disconnect-]').length");
  await until(async () => (await count()) < before, "the section of the Agents is replaced");
  const field = "document.getElementById('token-tokyo-send')";
  check((await tab.evaluate(`${field}.value`)) === token, "the typed token is kept");
  check(await tab.evaluate(`document.activeElement === ${field}`), "and the focus as well");
}

async function run() {
  mkdirSync(directory, { recursive: true });
  const emulator = start(program, ["--ready", "json", "--log", "off"]);
  const ready = JSON.parse((await line(emulator.stdout, /.*ready.*/))[0]);
  await fetch(`${ready.endpoint}/_emulator/eventgrid/topics/orders/subscriptions/billing`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
  });
  const profile = mkdtempSync(join(tmpdir(), "page-"));
  const browser = start("chromium", [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--remote-debugging-port=0",
    "--window-size=1200,1400", `--user-data-dir=${profile}`, "about:blank",
  ]);
  const port = (await line(browser.stderr, /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/))[1];
  const tab = await Tab.open(port);

  await tab.go(ready.endpoint);
  await until(async () => (await tab.text()).includes("Live."), "the page is live");
  const clients = ["ann", "bob", "carol"].map((user) => client(ready, user));
  await until(async () => {
    const text = await tab.text();
    return ["ann", "bob", "carol", "Hub chat", "3 connections"].every((part) => text.includes(part));
  }, "three clients appear without a reload");

  // The keyboard alone: fill in the form and submit it with Enter.
  await tab.tabTo("send-group");
  await tab.call("Input.insertText", { text: "room" });
  await tab.tabTo("send-text");
  await tab.call("Input.insertText", { text: "hello from the page" });
  await tab.key("Enter", "\r");
  await until(() => clients.every((received) => received.includes("hello from the page")), "the clients receive what the page sends");
  await until(async () => (await tab.text()).includes("The message was sent."), "the page says so");
  await tab.tabTo("publish-data");
  await tab.key("Enter", "\r");
  await until(async () => (await tab.text()).includes("The event was published."), "an event is published");
  await tab.tabTo("disconnect-tokyo-send");
  await tab.key("Enter", "\r");
  await until(async () => (await tab.text()).includes("The Agent was disconnected."), "an Agent is disconnected");
  await until(async () => (await tab.text()).includes("Live."), "the page is live again");
  // A few samples for the charts.
  for (let second = 0; second < 4; second += 1) {
    await fetch(`${ready.endpoint}/api/health`);
    await new Promise((resume) => setTimeout(resume, 1_000));
  }
  await tab.screenshot("page", "light");
  await tab.screenshot("page", "dark");

  await keepsTypedToken(tab);

  await tab.call("Emulation.setScriptExecutionDisabled", { value: true });
  const off = await Tab.open(port);
  await off.call("Emulation.setScriptExecutionDisabled", { value: true });
  await off.go(`${ready.endpoint}/?filter=bob`);
  const text = await off.text();
  check(text.includes("This is a snapshot") && text.includes("bob") && !text.includes("carol"), "without scripts, the page is a filtered snapshot");
  await off.tabTo("send-group");
  await off.call("Input.insertText", { text: "room" });
  await off.tabTo("send-text");
  await off.call("Input.insertText", { text: "without scripts" });
  await off.key("Enter", "\r");
  await until(() => clients.every((received) => received.includes("without scripts")), "without scripts, the page sends as well");
  await off.screenshot("without-scripts", "light");
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}

let failed = false;
try {
  await run();
} catch (error) {
  console.error(`page.mjs: ${error.message}`);
  failed = true;
}
for (const child of children) child.kill();
process.exit(failed ? 1 : 0);
