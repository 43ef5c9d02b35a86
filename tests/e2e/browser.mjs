// Drives a real browser through one scenario. Reads {scenario, browser, flags, web, entrances, file, shots} as JSON on standard input,
// prints what it saw as JSON: the test looks at that. A scenario is handed pages that were let in, each by its own code.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { inflateSync } from "node:zlib";
import { application } from "./application.mjs";
import { screens } from "./screens.mjs";
import { tables } from "./tables.mjs";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const given = JSON.parse(Buffer.concat(chunks).toString("utf8"));
const { chromium } = createRequire(path.join(given.web, "package.json"))("playwright-core");

const seen = { elsewhere: [], errors: [] };
const origin = new URL(given.entrances[0]).origin;

const watch = (page) => {
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith("file:") && !url.startsWith("data:")) seen.elsewhere.push(url);
  });
  page.on("websocket", (socket) => {
    if (socket.url() !== `${origin.replace("http", "ws")}/api/live`) seen.elsewhere.push(socket.url());
  });
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
};

const rows = (page) => page.locator(".g-row:not([hidden])");

/** Returns a page that was let in and shows a table. */
const enter = async (browser, table = "lighting.cues", options = {}) => {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    permissions: ["clipboard-read", "clipboard-write"],
    ...options,
  });
  const page = await context.newPage();
  watch(page);
  await page.goto(given.entrances.shift());
  await openTable(page, table);
  return page;
};

/** Goes to a table by its link and waits until its rows are there. */
const openTable = async (page, table) => {
  await page.locator(`.nav a[title="${table}"]`).click();
  await page.locator(`.nav a[title="${table}"][aria-current]`).waitFor();
  const title = await page.locator(`.nav a[title="${table}"] .nav-name`).textContent();
  await page.waitForFunction((one) => document.querySelector("[role=grid]")?.ariaLabel === one, title);
  await page.waitForFunction(() => (document.querySelector("[data-count]")?.textContent ?? "") !== "");
};

/** Clicks the cell of a column (by its title) in the row that a number on the left names. */
const cellAt = (page, row, title) =>
  page.evaluate(
    ([wanted, column]) => {
      const heads = [...document.querySelectorAll(".g-head [role=columnheader]")];
      const col = heads.findIndex((one) => one.textContent === column);
      const line = [...document.querySelectorAll(".g-row:not([hidden])")].find(
        (one) => one.querySelector("[role=rowheader]").textContent === String(wanted),
      );
      const cell = line?.children[col];
      if (!cell) return null;
      const box = cell.getBoundingClientRect();
      return { x: box.x + Math.min(box.width, 60) / 2, y: box.y + box.height / 2, text: cell.textContent, label: cell.ariaLabel };
    },
    [row, title],
  );

const click = async (page, row, title, options) => {
  const cell = await cellAt(page, row, title);
  if (cell === null) throw new Error(`no cell ${title} in row ${row}`);
  await page.mouse.click(cell.x, cell.y, options);
};

const text = async (page, row, title) => (await cellAt(page, row, title))?.text ?? null;

const until = async (page, row, title, wanted) => {
  for (let i = 0; i < 100; i++) {
    if ((await text(page, row, title)) === wanted) return true;
    await page.waitForTimeout(30);
  }
  return text(page, row, title);
};

const press = async (page, ...keys) => {
  for (const key of keys) {
    await page.keyboard.press(key);
    await page.waitForTimeout(40);
  }
};

const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());
const paste = async (page, words) => {
  await page.evaluate((one) => navigator.clipboard.writeText(one), words);
  await press(page, "Control+v");
};

/** Decodes an 8-bit RGB or RGBA picture, so that single pixels can be looked at. */
const decode = (png) => {
  let at = 8;
  let width = 0;
  let height = 0;
  let channels = 4;
  const parts = [];
  while (at < png.length) {
    const size = png.readUInt32BE(at);
    const kind = png.toString("latin1", at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + size);
    if (kind === "IHDR") {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      channels = body[9] === 2 ? 3 : 4;
    } else if (kind === "IDAT") parts.push(body);
    at += size + 12;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? pixels[y * stride + x - channels] : 0;
      const up = y > 0 ? pixels[(y - 1) * stride + x] : 0;
      const corner = x >= channels && y > 0 ? pixels[(y - 1) * stride + x - channels] : 0;
      const guess = left + up - corner;
      const distances = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
      const nearest = distances[0] <= distances[1] && distances[0] <= distances[2] ? left : distances[1] <= distances[2] ? up : corner;
      const by = [0, left, up, (left + up) >> 1, nearest][filter];
      pixels[y * stride + x] = (raw[y * (stride + 1) + 1 + x] + by) & 255;
    }
  }
  return { pixels, channels };
};

/** Returns the strongest red, green and blue of a picture, and its mean brightness from 0 to 1. */
const brightness = (png) => {
  const { pixels, channels } = decode(png);
  let [red, green, blue, sum] = [0, 0, 0, 0];
  for (let i = 0; i < pixels.length; i += channels) {
    red = Math.max(red, pixels[i]);
    green = Math.max(green, pixels[i + 1]);
    blue = Math.max(blue, pixels[i + 2]);
    sum += 0.2126 * pixels[i] + 0.7152 * pixels[i + 1] + 0.0722 * pixels[i + 2];
  }
  return { red, green, blue, mean: sum / (pixels.length / channels) / 255 };
};

const shot = (page, name) => page.screenshot({ path: path.join(given.shots, `${name}.png`) });

/** Looks at every frame the browser draws while it opens the show, from the private page to the table. */
const frames = async (browser, theme, file = null) => {
  const page = await (await browser.newContext({ viewport: { width: 1000, height: 700 }, colorScheme: "light" })).newPage();
  watch(page);
  const client = await page.context().newCDPSession(page);
  await page.goto("data:text/html,<html style='background:black'>");
  const drawn = [];
  client.on("Page.screencastFrame", ({ data, sessionId }) => {
    drawn.push(brightness(Buffer.from(data, "base64")));
    void client.send("Page.screencastFrameAck", { sessionId }).catch(() => undefined);
  });
  await client.send("Page.startScreencast", { format: "png", everyNthFrame: 1 });
  await page.goto(file ?? given.entrances.shift() + (theme === null ? "" : `&theme=${theme}`));
  await page.locator(".tiles a").first().waitFor();
  await page.waitForTimeout(300);
  await client.send("Page.stopScreencast");
  return { theme: await page.evaluate(() => document.documentElement.dataset.theme), count: drawn.length, brightest: Math.max(...drawn.map((one) => one.mean)), green: Math.max(...drawn.map((one) => one.green)), blue: Math.max(...drawn.map((one) => one.blue)) };
};

const scenarios = {
  async opening(browser) {
    const page = await enter(browser);
    const tables = await page.locator(".rail-tables > .nav a .nav-name").allTextContents();
    const heading = await page.locator("h1").allTextContents();
    const hash = await page.evaluate(() => location.hash + location.search);
    const stored = await page.evaluate(() => ({ local: { ...localStorage }, cookie: document.cookie }));
    const first = await text(page, 1, "Number");
    await shot(page, "table-light");
    await page.reload();
    await page.locator(".g-row").first().waitFor();
    const strange = await (await browser.newContext()).newPage();
    watch(strange);
    await strange.goto(`${origin}/`);
    const refused = await strange.locator(".alone h1").textContent();
    return { tables, heading, hash, stored, first, refused, open: await page.locator(".pill.c").textContent() };
  },

  async editing(browser) {
    const [one, other] = [await enter(browser), await enter(browser)];
    await click(one, 5, "Label");
    await one.keyboard.type("House lights out");
    await press(one, "Enter");
    const here = await until(one, 5, "Label", "House lights out");
    const there = await until(other, 5, "Label", "House lights out");
    await click(one, 6, "Up");
    await one.keyboard.type("soon");
    await press(one, "Enter");
    await one.locator(".voice").waitFor();
    const refusal = await one.locator(".voice").textContent();
    const kept = await text(one, 6, "Up");
    const marked = await one.locator(".g-cell.is-refused").count();
    await click(one, 6, "Up");
    await press(one, "F2", "Escape");
    return { here, there, refusal, kept, marked, after: await text(one, 6, "Up") };
  },

  async settling(browser) {
    const page = await enter(browser);
    const label = (await cellAt(page, 3, "Label")).label;
    await shot(page, "open-question");
    await click(page, 3, "Label");
    await press(page, "Space");
    await page.locator(".cf").waitFor();
    await shot(page, "panel");
    const offered = await page.locator(".cf .opt b").allTextContents();
    await page.locator(".nav a[href='/decide']").focus();
    await press(page, "Enter");
    await page.locator(".side").first().waitFor();
    await shot(page, "decide");
    const sentence = await page.locator(".say h2").textContent();
    const focused = await page.evaluate(() => document.activeElement?.className ?? "");
    await press(page, "Enter");
    const afterEnter = await page.locator(".side").count();
    const values = await page.locator(".side .val").allTextContents();
    await press(page, String(values.indexOf("Sunrise") + 1));
    await page.locator(".side").first().waitFor({ state: "detached" });
    const pills = await page.locator(".pill.c").count();
    await page.locator('.nav a[title="lighting.cues"]').click();
    const settled = await until(page, 3, "Label", "Sunrise");
    return { label, offered, sentence, afterEnter, focused, pills, settled };
  },

  async panel(browser) {
    const page = await enter(browser);
    await click(page, 3, "Label");
    await press(page, "Space");
    await page.locator(".cf").waitFor();
    await press(page, "F6");
    const inPanel = await page.evaluate(() => document.activeElement?.closest(".panel") !== null);
    const second = await page.locator(".cf .opt b").nth(1).textContent();
    await press(page, "2");
    await page.locator(".cf").waitFor({ state: "detached" });
    const settled = await until(page, 3, "Label", second);
    await page.locator(".tab", { hasText: "History" }).click();
    await page.locator(".hist li").first().waitFor();
    const history = await page.locator(".hist li").allTextContents();
    await page.locator(".tab", { hasText: "Fields" }).click();
    await page.locator(".f-more").click();
    const note = page.locator("textarea[aria-labelledby='f-lighting.cues.notes']");
    await note.fill("Hold for fog");
    await press(page, "Enter");
    await page.locator("textarea.is-typed").waitFor({ state: "detached" });
    await press(page, "Tab");
    await click(page, 3, "Number");
    await press(page, "End");
    const noted = await until(page, 3, "Notes", "Hold for fog");
    await note.focus();
    await press(page, "Escape");
    return { inPanel, settled, history, noted, panels: await page.locator(".panel").count() };
  },

  async keys(browser) {
    const page = await enter(browser);
    const found = {};
    await click(page, 11, "Label");
    await press(page, "ArrowDown", "ArrowRight", "ArrowLeft");
    await page.keyboard.type("ZZ", { delay: 25 });
    await press(page, "Enter");
    await page.keyboard.type("YY", { delay: 25 });
    await press(page, "Tab");
    found.typed = [await until(page, 12, "Label", "ZZ"), await until(page, 13, "Label", "YY")];
    await click(page, 14, "Label");
    await press(page, "F2");
    await page.keyboard.type("!");
    await press(page, "Enter");
    const before = await text(page, 15, "Label");
    await click(page, 15, "Label");
    await page.keyboard.type("QQ");
    await press(page, "Escape");
    found.f2 = await text(page, 14, "Label");
    found.escape = (await text(page, 15, "Label")) === before;
    await click(page, 12, "Label");
    await press(page, "Shift+ArrowDown", "Control+c");
    found.copied = await clipboard(page);
    await click(page, 20, "Label");
    await paste(page, 'P1\n"line1\nline2 ""q"""\r\nP3\n');
    found.pasted = [await until(page, 20, "Label", "P1"), await until(page, 21, "Label", 'line1 ↵ line2 "q"'), await until(page, 22, "Label", "P3")];
    await click(page, 24, "Label");
    await press(page, "Shift+ArrowDown", "Delete");
    found.cleared = [await until(page, 24, "Label", ""), await until(page, 25, "Label", "")];
    found.rowsAfterDelete = await page.locator("[data-count]").getAttribute("data-count");
    await click(page, 20, "Label");
    await press(page, "Shift+ArrowDown", "Shift+ArrowDown", "Control+d");
    found.filled = await until(page, 22, "Label", "P1");
    await click(page, 2, "Label");
    await press(page, "Control+End");
    await page.waitForTimeout(200);
    found.end = await page.evaluate(() => document.activeElement?.closest(".g-row")?.classList.contains("is-ghost") ?? false);
    await press(page, "Home");
    await page.keyboard.type("777");
    await press(page, "Enter");
    await page.waitForFunction(() => document.querySelector("[data-count]")?.getAttribute("data-count") === "61");
    found.added = await page.locator("[data-count]").getAttribute("data-count");
    await press(page, "Escape");
    found.left = await page.evaluate(() => document.activeElement?.tagName);
    await page.evaluate(() => document.querySelector(".g").scrollTo(0, 0));
    await until(page, 1, "Number", "1");
    await click(page, 2, "Label");
    found.aria = await page.evaluate(() => {
      const grid = document.querySelector("[role=grid]");
      const focused = document.activeElement;
      return {
        rows: grid.getAttribute("aria-rowcount"),
        columns: Number(grid.getAttribute("aria-colcount")) === document.querySelectorAll(".g-head [role=columnheader]").length,
        many: grid.getAttribute("aria-multiselectable"),
        role: focused.getAttribute("role"),
        row: focused.closest("[role=row]").getAttribute("aria-rowindex"),
        selected: document.querySelectorAll(".g [aria-selected=true]").length,
        stops: document.querySelectorAll(".g [tabindex='0']").length,
      };
    });
    return found;
  },

  async scrolling(browser) {
    const page = await enter(browser);
    const box = await page.locator(".g").boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const client = await page.context().newCDPSession(page);
    await client.send("Performance.enable");
    const busy = async () => (await client.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration").value;
    const start = await busy();
    for (let i = 0; i < 60; i++) {
      await page.mouse.wheel(0, i % 20 === 19 ? 12_000 : 400);
      await page.waitForTimeout(16);
    }
    const perStep = ((await busy()) - start) / 60;
    await page.waitForFunction(() => document.querySelectorAll(".g-cell.is-absent").length === 0);
    const middle = await page.evaluate(() =>
      [...document.querySelectorAll(".g-row:not([hidden])")].map((one) => [one.children[0].textContent, one.children[1].textContent]),
    );
    const many = await rows(page).count();
    const inSight = await page.evaluate(() => {
      const { top } = document.querySelector(".g").getBoundingClientRect();
      const row = [...document.querySelectorAll(".g-row:not([hidden])")].find((one) => one.getBoundingClientRect().top > top + 90);
      return Number(row.children[0].textContent);
    });
    await click(page, inSight, "Label");
    await press(page, "Control+End");
    await page.waitForFunction(() => document.querySelectorAll(".g-cell.is-absent").length === 0 && document.querySelector(".is-ghost:not([hidden])"));
    const last = await page.evaluate(() => [...document.querySelectorAll(".g-row:not([hidden])")].map((one) => Number(one.children[0].textContent) || 0).reduce((a, b) => Math.max(a, b)));
    await press(page, "Control+Home");
    const first = await until(page, 1, "Number", "1");
    return { wrong: middle.filter(([place, number]) => place !== number && place !== "+"), many, last, first, perStep };
  },

  async finding(browser) {
    const page = await enter(browser);
    await press(page, "Control+f");
    await page.keyboard.type("moon");
    await page.waitForFunction(() => document.querySelector("[data-count]")?.getAttribute("data-count") === "19");
    const labels = await page.evaluate(() => [...document.querySelectorAll(".g-row:not([hidden]):not(.is-ghost) .g-cell:nth-child(5)")].length);
    const address = await page.evaluate(() => location.search);
    await page.locator("[data-find]").fill("up > 8");
    await page.waitForFunction(() => !["19", null, undefined].includes(document.querySelector("[data-count]")?.getAttribute("data-count")));
    const longer = await page.locator("[data-count]").getAttribute("data-count");
    await page.locator("[data-find]").fill("labl == 3");
    await page.locator(".fault").waitFor();
    const fault = await page.locator(".fault").textContent();
    await page.locator("[data-find]").fill("");
    await page.waitForFunction(() => document.querySelector("[data-count]")?.getAttribute("data-count") === "60");
    await page.locator(".g-head [role=columnheader]", { hasText: "Up" }).first().click();
    await page.waitForTimeout(300);
    await page.locator(".g-head [role=columnheader]", { hasText: "Up" }).first().click();
    const top = await until(page, 1, "Up", "8.5");
    const sort = await page.locator("[aria-sort]").getAttribute("aria-sort");
    await page.goBack();
    const bottom = await until(page, 1, "Up", "0.5");
    return { labels, address, longer, fault, top, sort, bottom };
  },

  async themes(browser) {
    const page = await enter(browser);
    await click(page, 3, "Label");
    await press(page, "Space");
    await page.locator(".cf").waitFor();
    const found = {};
    for (const theme of ["light", "dark", "blackout"]) {
      for (let i = 0; i < 3 && (await page.evaluate(() => document.documentElement.dataset.theme)) !== theme; i++) await press(page, "Control+Shift+L");
      await page.locator(".voice button").last().click({ timeout: 400 }).catch(() => undefined);
      await page.waitForTimeout(100);
      await shot(page, `table-${theme}`);
      found[theme] = brightness(await page.screenshot());
      await page.goto(`${origin}/decide`);
      await page.locator(".side").first().waitFor();
      await shot(page, `decide-${theme}`);
      found[`decide-${theme}`] = brightness(await page.screenshot());
      await page.goBack();
      await page.locator(".cf").waitFor();
    }
    return found;
  },

  async flash(browser) {
    return { dark: await frames(browser, "dark"), blackout: await frames(browser, "blackout"), kept: await frames(browser, null) };
  },

  async handover(browser) {
    return frames(browser, null, given.file);
  },

  async breaking(browser) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    watch(page);
    const lines = [];
    let isDown = false;
    await page.routeWebSocket(/api\/live/, (line) => {
      if (isDown) {
        void line.close({ code: 1001 });
        return;
      }
      line.connectToServer();
      lines.push(line);
    });
    await page.goto(given.entrances.shift());
    await openTable(page, "lighting.cues");
    await click(page, 8, "Label");
    await page.keyboard.type("typed while aw");
    isDown = true;
    for (const line of lines) await line.close({ code: 1001 });
    await page.locator(".status .is-away").waitFor();
    const status = await page.locator(".status [role=status]").textContent();
    await page.keyboard.type("ay");
    await press(page, "Enter");
    const held = (await until(page, 8, "Label", "typed while away")) === true ? "typed while away" : null;
    await press(page, "ArrowDown");
    await page.keyboard.type("not now");
    const isReadOnly = (await page.locator(".g-editor").isVisible()) === false;
    isDown = false;
    await page.waitForFunction(() => document.querySelector(".status .is-away") === null);
    await page.waitForFunction(() => document.querySelectorAll(".g-cell.is-saving").length === 0);
    return { status, held, isReadOnly, saved: await until(page, 8, "Label", "typed while away") };
  },

  async policy(browser) {
    const page = await enter(browser);
    return page.evaluate(async () => {
      const tried = {};
      tried.fetch = await fetch("http://127.0.0.1:9/").then(() => "went", () => "stopped");
      tried.script = await new Promise((resolve) => {
        document.addEventListener("securitypolicyviolation", () => resolve("stopped"), { once: true });
        try {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
        } catch {
          resolve("stopped");
        }
        setTimeout(() => resolve(window.ran ? "ran" : "stopped"), 300);
      });
      try {
        document.body.insertAdjacentHTML("beforeend", "<b>x</b>");
        tried.html = "went";
      } catch {
        tried.html = "stopped";
      }
      // In a task of its own: what the test itself evaluates is exempt from the policy.
      tried.eval = await new Promise((resolve) => {
        setTimeout(() => {
          try {
            resolve((0, eval)("1+1") === 2 ? "ran" : "stopped");
          } catch {
            resolve("stopped");
          }
        }, 50);
      });
      return tried;
    });
  },
};

/** Lets axe look at a page as it is, in each theme and in big type; returns what breaks WCAG 2.2 AA, in words. */
const audited = async (page, name) => {
  const source = readFileSync(path.join(given.web, "node_modules/axe-core/axe.min.js"), "utf8");
  const found = [];
  const before = await page.evaluate(() => ({ ...document.documentElement.dataset }));
  for (const [theme, type] of [["light", "normal"], ["dark", "normal"], ["blackout", "normal"], ["dark", "big"]]) {
    const look = type === "normal" ? theme : `${theme}-${type}`;
    await page.evaluate((chosen) => Object.assign(document.documentElement.dataset, chosen), { theme, type });
    await page.mouse.move(0, 0);
    await page.waitForTimeout(60);
    await shot(page, `${name}-${look}`);
    await page.evaluate(source);
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const broken = await page.evaluate(
      async (values) => (await window.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] })).violations,
      tags,
    );
    for (const { id, nodes } of broken) found.push(`${look}: ${id}: ${nodes.slice(0, 3).map((one) => `${one.target.join(" ")} ${one.any[0]?.message ?? ""}`).join(" | ")}`);
  }
  await page.evaluate((chosen) => Object.assign(document.documentElement.dataset, chosen), before);
  return found;
};

const kit = { given, origin, seen, watch, enter, openTable, rows, cellAt, click, text, until, press, clipboard, paste, brightness, shot, audited };
Object.assign(scenarios, application(kit), screens(kit), tables(kit));

const browser = await chromium.launch({
  executablePath: given.browser,
  args: given.flags,
  chromiumSandbox: !given.flags.includes("--no-sandbox"),
});
try {
  const saw = await scenarios[given.scenario](browser);
  process.stdout.write(JSON.stringify({ ...seen, ...saw }));
} finally {
  await browser.close();
}
