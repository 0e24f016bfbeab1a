// The watch page, as a viewer meets it.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { openBrowser } from "./support/browser.js";
import { makeFilm } from "./support/film.js";
import { kinora, makeClip, startKinorad, waitForState } from "./support/kinorad.js";

const shots = path.join(import.meta.dirname, "out");
const axe = path.resolve(import.meta.dirname, "../node_modules/axe-core/axe.min.js");
let server;
let chromium;

before(async () => {
  await mkdir(shots, { recursive: true });
  [server, chromium] = await Promise.all([startKinorad(), openBrowser()]);
});
after(async () => {
  await chromium?.close();
  await server?.stop();
});

async function openWatchPage(url, viewport = { width: 1280, height: 960 }) {
  const page = await chromium.browser.newPage({ viewport });
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (line) => line.type() === "error" && problems.push(line.text()));
  await page.goto(url);
  return { page, problems };
}

async function assertAccessible(page) {
  await page.evaluate(await readFile(axe, "utf8"));
  // The rule about captions judges the uploader's video, not our page.
  const found = await page.evaluate(() =>
    window.axe.run({ rules: { "video-caption": { enabled: false } } }),
  );
  assert.deepEqual(
    found.violations.map((v) => `${v.id}: ${v.help}`),
    [],
  );
}

test("plays while it is being encoded, then says that it is ready", async () => {
  const clip = await makeClip(server.data, "clip.mp4", { seconds: 30, rate: 30, size: "1280x720" });
  const id = (
    await kinora(server, "upload", clip, "--wait=uploaded", "--title", "A test film")
  ).trim();
  const { playback } = await waitForState(server, id, ["playable", "plays_through", "ready"]);
  const { page, problems } = await openWatchPage(playback.watch_url);

  await page.waitForFunction(() => document.getElementById("video").currentTime > 0.5, null, {
    timeout: 30_000,
  });
  await page.screenshot({ path: path.join(shots, "watch-encoding.png") });
  assert.equal(await page.title(), "A test film · Kinora");
  await assertAccessible(page);

  await waitForState(server, id, ["ready"]);
  await page.waitForFunction(() => document.getElementById("encoding").hidden, null, {
    timeout: 15_000,
  });
  await page.screenshot({ path: path.join(shots, "watch-ready.png") });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.screenshot({ path: path.join(shots, "watch-phone.png") });
  assert.deepEqual(problems, []);
  await page.close();
});

test("a link without its token, and an unknown video, are explained", async () => {
  const unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
  const { page } = await openWatchPage(`${server.gateway}/watch/${unknown}`);
  await page.waitForSelector('[data-phase="failed"]');
  assert.match(await page.textContent("#curtain-text"), /no such video/);
  await page.screenshot({ path: path.join(shots, "watch-unknown.png") });
  await assertAccessible(page);
  await page.close();
});

test("a file that is no video ends with its reason on the page", async () => {
  const text = path.resolve(import.meta.dirname, "../package.json");
  await kinora(server, "upload", text, "--wait=ready", "--public").catch(() => {});
  const { items } = await server.api("/api/v1/videos?limit=1");
  const failed = await waitForState(server, items[0].id, ["failed"]);
  assert.ok(failed.reason.message.length > 20);
  const { page } = await openWatchPage(`${server.gateway}/watch/${failed.id}`);
  await page.waitForSelector('[data-phase="failed"]');
  assert.ok((await page.textContent("#curtain-text")).includes(failed.reason.message));
  await page.screenshot({ path: path.join(shots, "watch-failed.png") });
  await page.close();
});

test("a video that failed is followed again once it is tried again", async () => {
  const clip = await makeClip(server.data, "again.mp4", {
    seconds: 20,
    rate: 30,
    size: "1280x720",
  });
  const flags = ["--wait=uploaded", "--public", "--title", "Tried again"];
  const id = (await kinora(server, "upload", clip, ...flags)).trim();
  const { page, problems } = await openWatchPage(`${server.gateway}/watch/${id}`);
  await page.waitForSelector("#encoding:not([hidden])");
  await kinora(server, "jobs", "cancel", id);
  await page.waitForSelector('[data-phase="failed"]');
  assert.match(await page.textContent("#curtain-text"), /cancelled/);
  assert.ok(await page.isHidden("#video"), "nothing plays behind the curtain");

  await kinora(server, "videos", "retry", id);
  await page.waitForSelector('[data-phase="playing"]', { timeout: 60_000 });
  await page.waitForFunction(() => document.getElementById("video").currentTime > 0.5);
  // One that is opened in between is not told of the old failure either.
  const other = await openWatchPage(`${server.gateway}/watch/${id}`);
  await other.page.waitForSelector('[data-phase="playing"]');
  await waitForState(server, id, ["ready"]);
  for (const shown of [page, other.page]) {
    await shown.waitForFunction(() => document.getElementById("encoding").hidden);
    assert.equal(await shown.getAttribute("#stage", "data-phase"), "playing");
    assert.doesNotMatch(await shown.textContent("#announcer"), /cancelled/);
  }
  // Who opens it when all is done hears nothing.
  assert.match(await page.textContent("#announcer"), /ready/);
  assert.deepEqual([...problems, ...other.problems], []);
  await Promise.all([page.close(), other.page.close()]);
});

test("languages, captions, and seeking by the keyboard", async () => {
  const { both, captions } = await makeFilm(server.data);
  const flags = ["--captions", `en=${captions}`, "--wait=ready", "--json"];
  const lines = await kinora(server, "upload", both, ...flags);
  const { watch_url: address } = JSON.parse(lines.trim().split("\n").at(-1));
  const { page, problems } = await openWatchPage(address);
  await page.waitForSelector("#language-field:not([hidden])");
  // Once hls.js has chosen.
  const chosen = () => document.getElementById("language").selectedOptions[0]?.textContent;
  await page.waitForFunction(chosen);
  assert.equal(await page.evaluate(chosen), "English");
  const german = page.waitForResponse(/\/a-de\/\d+\.m4s/);
  await page.selectOption("#language", { label: "Deutsch" });
  await german;
  await assertAccessible(page);

  await page.evaluate(() => {
    const video = document.getElementById("video");
    video.pause();
    // As the menu of the browser's own controls does it.
    video.textTracks[0].mode = "showing";
    video.currentTime = 4;
  });
  const shown = () => document.getElementById("video").textTracks[0].activeCues?.[0]?.text;
  await page.waitForFunction(shown);
  assert.equal(await page.evaluate(shown), "Top");
  const time = () => page.evaluate(() => document.getElementById("video").currentTime);
  await page.focus("#timeline");
  await page.keyboard.press("End");
  assert.ok((await time()) >= 19, `${await time()} s`);
  await page.keyboard.press("Home");
  assert.equal(await time(), 0);
  await page.keyboard.press("ArrowRight");
  assert.equal(await time(), 1);
  assert.match(await page.getAttribute("#timeline", "aria-valuetext"), /^0:01 of 0:20/);
  assert.deepEqual(problems, []);
  await page.close();
});
