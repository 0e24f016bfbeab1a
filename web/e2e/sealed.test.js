// Videos that the platform encrypts on their way: players ask its origin for the key, by their token.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { openBrowser } from "./support/browser.js";
import { kinora, makeClip, startKinorad, waitFor, waitForState } from "./support/kinorad.js";
import { assertPlayedWhole, open, playToTheEnd } from "./support/players.js";

const SECONDS = 6;
const RATE = 30;
const STEP = '[[video.steps]]\nheight = 180\nmax_kbps = 900\ncrf = 24\npreset = "superfast"\n';

let folder;
let profiles;
let server;
let chromium;
let clip;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "kinora-sealed-"));
  profiles = path.join(folder, "profiles");
  await mkdir(profiles);
  for (const way of ["cbcs", "cenc", "aes-128"]) {
    const profile = `passthrough = false\nencryption = "${way}"\n${STEP}`;
    await writeFile(path.join(profiles, `${way}.toml`), profile);
  }
  [server, chromium] = await Promise.all([
    startKinorad({ KINORA_TRANSCODING_PROFILES: profiles }),
    openBrowser(),
  ]);
  clip = await makeClip(folder, "sealed.mp4", { seconds: SECONDS, rate: RATE, size: "320x180" });
});
after(async () => {
  await chromium?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The playback addresses of the film, encrypted in that way. */
async function made(way, by = server, film = clip) {
  const said = await kinora(by, "upload", film, "--profile", way, "--json");
  const last = JSON.parse(said.trim().split("\n").at(-1));
  const { playback } = await waitForState(by, last.video ?? last.id, ["ready"]);
  return playback;
}

/** In three players that ask for licences. */
function playAsking({ hls_url, dash_url, license_url }, seconds) {
  const servers = { "org.w3.clearkey": license_url };
  return Promise.all([
    play("hlsjs", hls_url, { hlsjs: license_url }, seconds),
    play("shaka", dash_url, { shaka: { servers } }, seconds),
    // It is told by the MPD alone.
    play("dashjs", dash_url, {}, seconds),
  ]);
}

/** In players that have the key from where playlists say. */
function playWhole({ hls_url }, seconds) {
  return Promise.all(["hlsjs", "shaka"].map((player) => play(player, hls_url, {}, seconds)));
}

async function play(player, address, protection = {}, seconds = SECONDS) {
  const page = await open(chromium);
  const report = await playToTheEnd(page, player, address, protection);
  assertPlayedWhole(report, `${player} by ${address}`, seconds, RATE);
  await page.close();
}

describe("the platform encrypts", () => {
  for (const way of ["cbcs", "cenc"]) {
    test(`${way} plays in players that ask for licences, and on the watch page`, async () => {
      const playback = await made(way);
      await playAsking(playback);
      const page = await chromium.browser.newPage();
      await page.goto(playback.watch_url);
      await waitFor("the watch page to play", 60_000, () =>
        page.evaluate(() => document.getElementById("video").currentTime > 1),
      );
      await page.close();
    });
  }

  test("whole segments play in hls.js and shaka with nothing but their playlists", async () => {
    await playWhole(await made("aes-128"));
  });

  test("players cross from one encoder's pictures to another's under the same key", async () => {
    const seconds = 18;
    const film = await makeClip(folder, "switched.mp4", { seconds, rate: RATE, size: "320x180" });
    // The fake device's fourth chunk, at 14 s, does not come about.
    const settings = { KINORA_FAKE_GPU: "error@3", KINORA_WORKER_SLOTS: "1" };
    const switching = await startKinorad({ KINORA_TRANSCODING_PROFILES: profiles, ...settings });
    try {
      const asking = await made("cbcs", switching, film);
      const mpd = await (await fetch(asking.dash_url)).text();
      assert.equal(mpd.match(/<Period /g).length, 2);
      const whole = await made("aes-128", switching, film);
      await Promise.all([playAsking(asking, seconds), playWhole(whole, seconds)]);
    } finally {
      await switching.stop();
    }
  });

  test("without the token there is no licence, and no picture", async () => {
    const playback = await made("cbcs");
    const token = playback.license_url.split("/")[4];
    const bare = playback.license_url.replace(`${token}/`, "");
    const answer = await fetch(bare, { method: "POST", body: JSON.stringify({ kids: ["AA"] }) });
    assert.equal(answer.status, 403);
    const page = await open(chromium);
    // Its playlists do not say where licences are.
    const report = await playToTheEnd(page, "hlsjs", playback.hls_url, { hlsjs: bare });
    assert.notDeepEqual(report.errors, []);
    assert.equal(report.firstTime, null);
    await page.close();
  });
});
