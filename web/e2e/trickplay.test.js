// `kinora package --trick-play`: Shaka winds through a film by its key frames, clear and encrypted;
// players that do not know the sets play as if they were not there.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { openBrowser } from "./support/browser.js";
import { command, run, waitFor } from "./support/kinorad.js";
import { open } from "./support/players.js";
import { serveFolder } from "./support/static.js";

const SECONDS = 40;
const RATE = 15;
const KEY = "00112233445566778899aabbccddeeff";
const keys = { [KEY]: "0123456789abcdef0123456789abcdef" };
const packages = [
  { folder: "single", flags: [] },
  { folder: "segments", flags: ["--segments"] },
  { folder: "cenc", flags: ["--encrypt", "cenc"], drm: { clearKeys: keys } },
];

let data;
let site;
let chromium;

before(async () => {
  data = await mkdtemp(path.join(tmpdir(), "kinora-trickplay-"));
  const at = (name) => path.join(data, name);
  await writeFile(at("keys"), `${KEY}:${keys[KEY]}\n`);
  await run("ffmpeg", [
    ...["-v", "error", "-f", "lavfi", "-i", `testsrc2=size=160x90:rate=${RATE}:d=${SECONDS}`],
    ...["-f", "lavfi", "-i", `sine=440:sample_rate=48000:d=${SECONDS}`],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-c:a", "aac", at("film.mp4")],
  ]);
  for (const { folder, flags } of packages) {
    const more = flags.includes("--encrypt") ? ["--key-file", at("keys")] : [];
    const common = ["--trick-play", "--segment-length", "2", "-o", at(folder)];
    await run(command("kinora"), ["package", at("film.mp4"), ...flags, ...more, ...common]);
  }
  [chromium, site] = await Promise.all([openBrowser(), serveFolder(data)]);
});
after(async () => {
  await chromium?.close();
  site?.close();
  await rm(data, { recursive: true, force: true });
});

/** How often the page asked for key frames, and for the picture itself. */
function fetched(page) {
  return page.evaluate(() => {
    const names = performance.getEntriesByType("resource").map(({ name }) => name);
    const count = (pattern) => names.filter((name) => pattern.test(name)).length;
    return { keyFrames: count(/v90-trick/), picture: count(/v90[./]/) };
  });
}

describe("trick play", { concurrency: 3 }, () => {
  for (const { folder, drm } of packages) {
    test(`Shaka winds by key frames, and back to the picture: ${folder}`, async () => {
      const page = await open(chromium);
      const address = `${site.url}/${folder}/dash.mpd`;
      await page.evaluate(([u, k]) => window.playIn("shaka", u, k), [address, { shaka: drm }]);
      const report = () => page.evaluate(() => window.report());
      const reached = (time) =>
        waitFor(`${folder} to reach ${time} s`, 60_000, async () => {
          const now = await report();
          return (now.errors.length > 0 || now.time >= time) && now;
        });
      await reached(0.5);
      assert.equal((await fetched(page)).keyFrames, 0);
      await page.evaluate(() => window.shakaPlayer.trickPlay(8));
      // Beyond what was in the buffer when it began.
      const winding = await reached(25);
      assert.deepEqual(winding.errors, []);
      const during = await fetched(page);
      assert.ok(during.keyFrames >= 4, JSON.stringify(during));
      // Pictures of 25 s would be 375; most of these are those that were in the buffer.
      assert.ok(winding.frames < 20 * RATE, `${winding.frames} frames decoded by ${winding.time}`);
      await page.evaluate(() => window.shakaPlayer.cancelTrickPlay());
      const after = await report();
      const later = await reached(Math.min(after.time + 2, SECONDS - 0.5));
      assert.deepEqual(later.errors, []);
      assert.ok((await fetched(page)).picture > during.picture, "the picture is back");
      assert.ok(later.frames - after.frames >= RATE, `${later.frames} of ${after.frames} frames`);
      await page.close();
    });
  }

  test("dash.js does not take them for a quality", async () => {
    const page = await open(chromium);
    await page.evaluate((u) => window.playIn("dashjs", u), `${site.url}/segments/dash.mpd`);
    await waitFor("dash.js to play", 60_000, async () => {
      const { errors, time } = await page.evaluate(() => window.report());
      assert.deepEqual(errors, []);
      return time > 1;
    });
    assert.equal((await fetched(page)).keyFrames, 0);
    await page.close();
  });
});
