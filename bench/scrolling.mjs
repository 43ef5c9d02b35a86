// CPU of one scroll step of our grid and of the prototype in the same Chromium: {browser, flags, web, entrance, prototype} as JSON on standard input.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const given = JSON.parse(Buffer.concat(chunks).toString("utf8"));
const { chromium } = createRequire(path.join(given.web, "package.json"))("playwright-core");
const STEPS = 100;

const bare = `<!doctype html><meta charset=utf-8><link rel=stylesheet href=/grid-core.css><div id=g style="height:740px"></div>
<script type=module>import { Grid } from "/grid-core.js";
const cols = Array.from({ length: 20 }, (_, i) => ({ title: "Column " + i, width: 120 }));
const rows = Array.from({ length: ${given.rows} }, (_, r) => cols.map((_, c) => "r" + r + "c" + c));
new Grid(document.getElementById("g"), { rows: rows.length, cols, get: (r, c) => rows[r][c], set: () => undefined });</script>`;
const TYPES = { ".js": "text/javascript", ".css": "text/css" };
const server = createServer((request, response) => {
  const type = TYPES[path.extname(request.url)];
  response.setHeader("content-type", type ?? "text/html");
  response.end(type === undefined ? bare : readFileSync(path.join(given.prototype, path.basename(request.url))));
}).listen(0, "127.0.0.1");
await new Promise((done) => server.once("listening", done));

const browser = await chromium.launch({ executablePath: given.browser, args: given.flags, chromiumSandbox: !given.flags.includes("--no-sandbox") });
const page = async (url) => {
  const made = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await made.goto(url);
  return made;
};

/** Scrolls by the wheel, every 40th step far; returns milliseconds of CPU in the page for one step. */
const scrolled = async (made, grid) => {
  const client = await made.context().newCDPSession(made);
  await client.send("Performance.enable");
  const busy = async () => (await client.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration").value;
  const box = await made.locator(grid).boundingBox();
  await made.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const start = await busy();
  for (let step = 0; step < STEPS; step++) {
    await made.mouse.wheel(0, step % 40 === 39 ? 12_000 : 400);
    await made.waitForTimeout(16);
  }
  return ((await busy()) - start) * (1000 / STEPS);
};

const ours = await page(given.entrance);
await ours.locator('.nav a[title="lighting.cues"]').click();
await ours.locator(".g-row").first().waitFor();
await ours.waitForTimeout(1500);
const theirs = await page(`http://127.0.0.1:${server.address().port}/`);
await theirs.locator(".og-r").first().waitFor();
const [own, proto] = [[], []];
for (let round = 0; round < 3; round++) {
  await ours.evaluate(() => document.querySelector(".g").scrollTo(0, 0));
  await theirs.evaluate(() => document.querySelector(".og").scrollTo(0, 0));
  own.push(await scrolled(ours, ".g"));
  proto.push(await scrolled(theirs, ".og"));
}
const middle = (list) => list.sort((a, b) => a - b)[1];
process.stdout.write(JSON.stringify({ ours: middle(own), prototype: middle(proto) }));
await browser.close();
server.close();
