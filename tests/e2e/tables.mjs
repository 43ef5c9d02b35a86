// Scenarios of a table: its views, groups, filters and columns, new rows between others, blocks from other programs.

export const tables = (kit) => {
  const { enter, openTable, click, cellAt, text, until, press, paste, shot, audited } = kit;

  const count = (page, wanted) =>
    page.waitForFunction((one) => document.querySelector("[data-count]")?.getAttribute("data-count") === one, wanted);

  /** Scrolls sideways until a column is in sight. */
  const into = async (page, title) => {
    await page.evaluate((wanted) => {
      const head = [...document.querySelectorAll(".g-head [role=columnheader]")].find((one) => one.textContent === wanted);
      document.querySelector(".g").scrollLeft = head.offsetLeft - 600;
    }, title);
    await page.waitForTimeout(80);
  };

  /** Opens the menu of a cell and takes an entry of it. */
  const choose = async (page, row, title, ...entries) => {
    await click(page, row, title, { button: "right" });
    for (const [at, entry] of entries.entries()) {
      const item = page.locator(".menu-item", { hasText: entry }).last();
      await item.waitFor();
      if (at < entries.length - 1) await item.hover();
      await item.click();
    }
    await page.locator(".menu-item").first().waitFor({ state: "detached" });
  };

  const heads = (page) => page.locator(".g-head [role=columnheader]").allTextContents();
  const bands = (page) =>
    page.evaluate(() => [...document.querySelectorAll(".g-row.is-group:not([hidden]) .g-band")].map((one) => one.textContent));

  return {
    async inserting(browser) {
      const page = await enter(browser);
      const found = {};
      await click(page, 17, "Label");
      await press(page, "Control+Enter");
      await page.locator(".g-editor:not([hidden])").waitFor();
      found.offered = await page.locator(".g-editor").inputValue();
      found.below = await page.evaluate(() => document.querySelector(".is-ghost:not([hidden])").previousElementSibling !== null);
      await shot(page, "insert");
      await press(page, "Escape");
      await page.waitForTimeout(100);
      found.after = await page.evaluate(() => document.activeElement.closest(".g-row")?.querySelector("[role=rowheader]").textContent);
      await press(page, "Control+Enter");
      await page.locator(".g-editor:not([hidden])").waitFor();
      await press(page, "Enter");
      await count(page, "61");
      found.number = await until(page, 18, "Number", "17.5");
      found.next = await text(page, 19, "Number");
      await press(page, "Control+z");
      await count(page, "60");
      return found;
    },

    async views(browser) {
      const page = await enter(browser);
      const found = {};
      await choose(page, 1, "List", "Hide");
      found.hidden = !(await heads(page)).includes("List");
      await into(page, "Called");
      await choose(page, 2, "Called", "Group by this");
      await page.locator(".g-row.is-group").first().waitFor();
      found.groups = await bands(page);
      found.grouped = await text(page, 1, "Number");
      await into(page, "Label");
      await shot(page, "grouped");
      const chosen = await cellAt(page, 2, "Label");
      await choose(page, 2, "Label", `Only ${chosen.text}`);
      found.chip = await page.locator(".filters .chip span").first().textContent();
      found.fewer = Number(await page.locator("[data-count]").getAttribute("data-count")) < 60;
      await page.locator(".top .btn", { hasText: "Save view" }).click();
      await page.locator(".save-view input[type=text]").fill("Moonlight");
      await page.getByLabel("For everybody").check();
      await press(page, "Enter");
      await page.locator(".views .tab[aria-selected=true]", { hasText: "Moonlight" }).waitFor();
      await shot(page, "view-saved");
      await page.locator(".views .tab", { hasText: "All" }).click();
      await count(page, "60");
      found.back = (await heads(page)).includes("List");
      await page.locator(".views .tab", { hasText: "Moonlight" }).click();
      await page.locator(".g-row.is-group").first().waitFor();
      await page.reload();
      await page.locator(".g-row.is-group").first().waitFor();
      found.kept = !(await heads(page)).includes("List") && (await page.locator(".filters .chip").count()) === 1;
      await click(page, 1, "Label");
      await press(page, "Alt+ArrowLeft");
      await count(page, "60");
      found.stepped = await page.locator(".views .tab[aria-selected=true]").textContent();
      found.axe = await audited(page, "views");
      return found;
    },

    async arranging(browser) {
      const page = await enter(browser);
      const found = {};
      const head = (title) => page.locator(".g-head [role=columnheader]", { hasText: title }).first();
      const box = await head("Label").boundingBox();
      await page.mouse.move(box.x + box.width - 2, box.y + 10);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width + 78, box.y + 10, { steps: 4 });
      await page.mouse.up();
      await page.waitForTimeout(120);
      found.wider = (await head("Label").boundingBox()).width - box.width;
      const part = await head("Part").boundingBox();
      const page_ = await head("Page").boundingBox();
      await page.mouse.move(part.x + 40, part.y + 10);
      await page.mouse.down();
      await page.mouse.move(page_.x + page_.width - 4, part.y + 10, { steps: 6 });
      await page.mouse.up();
      await page.waitForTimeout(120);
      const order = await heads(page);
      found.moved = order.indexOf("Part") === order.indexOf("Page") + 1;
      await choose(page, 1, "Label", "Keep in sight up to here");
      found.frozen = await page.locator(".g-head .is-frozen").count();
      await page.evaluate(() => document.querySelector(".g").scrollTo(900, 0));
      await page.waitForTimeout(100);
      found.inSight = (await head("Label").boundingBox()).x < 800;
      await shot(page, "frozen");
      await page.evaluate(() => document.querySelector(".g").scrollTo(0, 0));
      await click(page, 2, "Label");
      await press(page, "Alt+Shift+ArrowLeft");
      const after = await heads(page);
      found.byKey = after.indexOf("Label") === order.indexOf("Label") - 1;
      await page.locator(".tools .btn", { hasText: "Filter" }).click();
      await page.getByLabel("Field", { exact: true }).selectOption({ label: "Up" });
      await page.getByLabel("How").selectOption({ label: "is at least" });
      await page.getByLabel("What").fill("8");
      await press(page, "Enter");
      await page.locator(".filters .chip").waitFor();
      found.words = await page.locator(".filters .chip span").textContent();
      await page.waitForFunction(() => document.querySelector("[data-count]")?.getAttribute("data-count") !== "60");
      await page.locator(".filters .end-gone").click();
      await count(page, "60");
      return found;
    },

    async blocks(browser) {
      const page = await enter(browser);
      const found = {};
      const html = "<table><tr><td>Bell<br>twice</td></tr><tr><td>Dog &amp; pony</td></tr></table>";
      await page.evaluate(async (one) => {
        const item = new ClipboardItem({
          "text/html": new Blob([one], { type: "text/html" }),
          "text/plain": new Blob(["Bell\ntwice\nDog & pony"], { type: "text/plain" }),
        });
        await navigator.clipboard.write([item]);
      }, html);
      await click(page, 10, "Label");
      await press(page, "Control+v");
      found.table = [await until(page, 10, "Label", "Bell ↵ twice"), await until(page, 11, "Label", "Dog & pony")];
      found.below = await text(page, 12, "Label");
      await press(page, "Control+c");
      found.copied = await page.evaluate(async () => {
        const [item] = await navigator.clipboard.read();
        return { plain: await (await item.getType("text/plain")).text(), html: await (await item.getType("text/html")).text() };
      });
      await click(page, 20, "Label");
      await page.keyboard.type("Moonrise");
      await press(page, "Enter", "ArrowUp");
      await until(page, 20, "Label", "Moonrise");
      const handle = await page.locator(".g-fill").boundingBox();
      await page.mouse.move(handle.x + 4, handle.y + 4);
      await page.mouse.down();
      await page.mouse.move(handle.x, handle.y + 50, { steps: 5 });
      await page.mouse.up();
      found.filled = [await until(page, 22, "Label", "Moonrise"), (await text(page, 23, "Label")) !== "Moonrise"];
      await into(page, "Called");
      await click(page, 6, "Called");
      await press(page, "Enter");
      found.ticked = await until(page, 6, "Called", "Yes");
      await press(page, "Enter");
      found.unticked = await until(page, 6, "Called", "No");
      await into(page, "Label");
      await choose(page, 4, "Label", "Put record into", "Fixtures");
      await page.locator(".voice", { hasText: "Put 1 record into Fixtures" }).waitFor();
      await openTable(page, "lighting.fixtures");
      await count(page, "1");
      await choose(page, 1, "Unit", "Take record out");
      await count(page, "0");
      return found;
    },

    async matrix(browser) {
      const page = await enter(browser, "contacts.people");
      const found = {};
      await into(page, "In group");
      await choose(page, 1, "In group", "Show as a matrix");
      await page.waitForFunction(() => [...document.querySelectorAll(".g-head [role=columnheader]")].some((one) => one.textContent === "Choir"));
      await click(page, 1, "Choir");
      await page.keyboard.press("x");
      found.made = await until(page, 1, "Choir", "X");
      await page.waitForTimeout(500);
      await page.evaluate(() => navigator.clipboard.writeText("X\tX\n\tX"));
      await click(page, 2, "Choir");
      await press(page, "Control+v");
      found.pasted = [await until(page, 2, "Choir", "X"), await until(page, 2, "Crew", "X"), await until(page, 3, "Crew", "X")];
      found.empty = await text(page, 3, "Choir");
      await page.waitForTimeout(500);
      found.still = await text(page, 2, "Crew");
      await shot(page, "matrix");
      await click(page, 1, "Choir");
      await press(page, "Delete");
      found.ended = await until(page, 1, "Choir", "");
      await press(page, "Control+z");
      found.back = await until(page, 1, "Choir", "X");
      found.axe = await audited(page, "matrix");
      return found;
    },

    async record(browser) {
      const page = await enter(browser, "contacts.people");
      const found = {};
      await click(page, 1, "Name");
      await press(page, "Space");
      await page.locator(".panel h2", { hasText: "Jane Doe" }).waitFor();
      await page.locator(".f-row", { hasText: "In tables" }).getByRole("button", { name: "Put into" }).click();
      await page.locator(".menu-item", { hasText: "Groups" }).click();
      await page.locator(".panel .chip", { hasText: "Groups" }).waitFor();
      await shot(page, "record");
      await page.getByLabel("Take it out of Groups").click();
      await page.locator(".panel .chip", { hasText: "Groups" }).waitFor({ state: "detached" });
      await page.getByLabel("History of Phone").first().click();
      await page.locator(".hist-field", { hasText: "Phone" }).waitFor();
      found.told = await page.locator(".hist li").allTextContents();
      await page.locator(".hist-field .btn").click();
      await page.locator(".panel .tab", { hasText: "Fields" }).click();
      await page.locator(".panel").getByRole("button", { name: "More" }).click();
      await page.locator(".menu-item", { hasText: "The same as another record" }).click();
      await page.getByLabel("The other record").fill("Mina");
      await page.locator(".menu-item", { hasText: "Mina Okafor" }).click();
      await page.locator(".same caption").waitFor();
      found.differ = await page.locator(".same tbody th").allTextContents();
      await shot(page, "merge");
      await page.getByRole("button", { name: "They are one" }).click();
      await count(page, "2");
      found.open = await page.locator(".pill.c").textContent();
      found.axe = await audited(page, "record");
      return found;
    },

    async printing(browser) {
      const page = await enter(browser);
      const found = {};
      await page.evaluate(() => {
        window.print = () => {
          window.sheets = (window.sheets ?? 0) + 1;
        };
      });
      await click(page, 2, "Label");
      await press(page, "Control+p");
      await page.waitForFunction(() => window.sheets === 1);
      await page.emulateMedia({ media: "print" });
      found.rows = await page.locator(".sheet tbody tr").count();
      found.heads = await page.locator(".sheet th").allTextContents();
      found.isAlone = !(await page.locator(".app").isVisible()) && (await page.locator(".sheet").isVisible());
      await shot(page, "sheet");
      await page.emulateMedia({ media: "screen" });
      await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
      await page.locator(".sheet").waitFor({ state: "detached" });
      found.back = await page.locator(".app").isVisible();
      return found;
    },

    async large(browser) {
      const page = await enter(browser);
      const found = {};
      const block = Array.from({ length: 500 }, (_, i) => [`${i + 1}`, "1", `Line ${i + 1}`, `word ${i}`].join("\t")).join("\n");
      await choose(page, 1, "Part", "Hide");
      await click(page, 1, "Number");
      await page.evaluate((one) => navigator.clipboard.writeText(one), block);
      const start = Date.now();
      await page.keyboard.press("Control+v");
      await count(page, "500");
      found.saved = Date.now() - start;
      found.first = await until(page, 1, "Label", "Line 1");
      await press(page, "Control+z");
      await count(page, "60");
      found.undone = (await text(page, 1, "Label")) !== "Line 1";
      return found;
    },
  };
};
