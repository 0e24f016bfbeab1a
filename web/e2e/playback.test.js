// The main job, seen by players and clients that we did not write.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openBrowser } from "./support/browser.js";
import { makeClip, startKinorad, waitFor, waitForState } from "./support/kinorad.js";
import { assertPlayedWhole, open, players, playToTheEnd } from "./support/players.js";

const SECONDS = 40;
const RATE = 30;

let kinora;
let chromium;
let id;

before(async () => {
  [kinora, chromium] = await Promise.all([startKinorad(), openBrowser()]);
});
after(async () => {
  await chromium?.close();
  await kinora?.stop();
});

test("tus-js-client uploads, and three players follow the growing stream to its end", async () => {
  const pages = await Promise.all(players.map(() => open(chromium)));
  const clip = await makeClip(kinora.data, "growing.mp4", {
    seconds: SECONDS,
    rate: RATE,
    size: "1280x720",
  });
  const bytes = (await readFile(clip)).toString("base64");
  const endpoint = `${kinora.gateway}/api/v1/uploads`;
  id = await pages[0].evaluate(
    ([e, k, b]) => window.uploadByTus(e, k, b, "growing.mp4"),
    [endpoint, kinora.apiKey, bytes],
  );

  const { state, playback } = await waitForState(kinora, id, ["playable", "plays_through"]);
  assert.notEqual(state, "ready", "the stream must still grow when the players start");
  const first = await Promise.all(
    ["hls_url", "dash_url"].map(async (kind) => (await fetch(playback[kind])).text()),
  );
  assert.match(first[1], /type="dynamic"/);

  const reports = await Promise.all(
    players.map(({ player, manifest }, i) => playToTheEnd(pages[i], player, playback[manifest], 1)),
  );
  reports.forEach((report, i) =>
    assertPlayedWhole(report, `${players[i].player} ${players[i].manifest}`, SECONDS, RATE),
  );
  await Promise.all(pages.map((page) => page.close()));
});

describe("a finished stream", () => {
  for (const { player, manifest } of players) {
    test(`plays and seeks in ${player} by ${manifest}`, async () => {
      const { playback } = await waitForState(kinora, id, ["ready"]);
      const page = await open(chromium);
      const url = playback[manifest];
      await page.evaluate(([p, u]) => window.playIn(p, u), [player, url]);
      const begun = await waitFor("a second of playback", 20_000, async () => {
        const report = await page.evaluate(() => window.report());
        return (report.time > 1 || report.errors.length > 0) && report;
      });
      assert.deepEqual(begun.errors, []);
      assert.ok(begun.firstTime < 0.5 / RATE, `showed ${begun.firstTime} s first`);

      for (const target of [27.5, 3.25, SECONDS - 2]) {
        const shown = await page.evaluate((time) => window.seekTo(time), target);
        assert.ok(Math.abs(shown - target) < 0.2, `sought ${target}, shown ${shown}`);
        const before = await page.evaluate(() => window.report());
        await sleep(500);
        const later = await page.evaluate(() => window.report());
        assert.ok(later.frames > before.frames, "frames advance after a seek");
      }
      const end = await waitFor("the end", 20_000, async () => {
        const report = await page.evaluate(() => window.report());
        return (report.ended || report.errors.length > 0) && report;
      });
      assert.deepEqual(end.errors, []);
      await page.close();
    });
  }
});
