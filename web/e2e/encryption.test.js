// `kinora package --encrypt`: ClearKey in Chromium, by three players, in both schemes; and AES-128.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { openBrowser } from "./support/browser.js";
import { command, run } from "./support/kinorad.js";
import { clearKeys, serveKeys } from "./support/licences.js";
import { assertPlayedWhole, open, playToTheEnd } from "./support/players.js";
import { serveFolder } from "./support/static.js";

const SECONDS = 4;
const RATE = 30;
const PICTURE = "00112233445566778899aabbccddeeff";
const SOUND = "ffeeddccbbaa99887766554433221100";
const keys = {
  [PICTURE]: "0123456789abcdef0123456789abcdef",
  [SOUND]: "fedcba9876543210fedcba9876543210",
};

const layouts = [
  { layout: "single", flags: [] },
  { layout: "segments", flags: ["--segments"] },
];

let data;
let site;
let licences;
let chromium;

const at = (name) => path.join(data, name);
const ffmpeg = (...args) => run("ffmpeg", ["-v", "error", "-y", ...args]);

/** Packages a film into a folder. */
function encrypt(film, folder, method, ...more) {
  const flags = ["--encrypt", method, "--key-file", at("keys"), "--segment-length", "2"];
  return run(command("kinora"), ["package", at(film), ...flags, ...more, "-o", at(folder)]);
}

before(async () => {
  data = await mkdtemp(path.join(tmpdir(), "kinora-encryption-"));
  [chromium, site, licences] = await Promise.all([
    openBrowser(),
    serveFolder(data),
    serveKeys(keys),
  ]);
  await writeFile(at("keys"), `video=${PICTURE}:${keys[PICTURE]}\naudio=${SOUND}:${keys[SOUND]}\n`);
  const source = [
    ...["-f", "lavfi", "-i", `testsrc2=size=480x270:rate=${RATE}:d=${SECONDS}`],
    ...["-f", "lavfi", "-i", `sine=440:sample_rate=48000:d=${SECONDS}`],
  ];
  const h264 = ["-c:v", "libx264", "-preset", "veryfast", "-g", "60", "-sc_threshold", "0"];
  await ffmpeg(...source, ...h264, "-c:a", "aac", at("film.mp4"));
  const vp9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "60"];
  await ffmpeg(...source, ...vp9, "-c:a", "libopus", at("vp9.mp4"));
  const av1 = ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-g", "60"];
  await ffmpeg(...source, ...av1, "-tiles", "2x1", "-c:a", "libopus", at("av1.mp4"));
});
after(async () => {
  await chromium?.close();
  site?.close();
  licences?.close();
  await rm(data, { recursive: true, force: true });
});

async function play(player, address, protection = {}) {
  const page = await open(chromium);
  const report = await playToTheEnd(page, player, `${site.url}/${address}`, protection);
  assertPlayedWhole(report, `${player} by ${address}`, SECONDS, RATE);
  await page.close();
  return report;
}

/** In three players that ask for keys, each of which the picture and the sound have of their own. */
function playAsking(folder) {
  const servers = { servers: { "org.w3.clearkey": licences.url } };
  return Promise.all([
    play("shaka", `${folder}/dash.mpd`, { shaka: servers }),
    play("dashjs", `${folder}/dash.mpd`),
    play("hlsjs", `${folder}/hls.m3u8`, { hlsjs: licences.url }),
  ]);
}

// Together they take about as long as one.
describe("encrypted packages", { concurrency: 4 }, () => {
  for (const method of ["cbcs", "cenc"]) {
    test(`${method} plays with keys that players hold`, async () => {
      await encrypt("film.mp4", `held-${method}`, method);
      const dashjs = { dashjs: clearKeys(keys) };
      await Promise.all([
        play("shaka", `held-${method}/dash.mpd`, { shaka: { clearKeys: keys } }),
        play("dashjs", `held-${method}/dash.mpd`, dashjs),
      ]);
    });

    for (const { layout, flags } of layouts) {
      test(`${method} plays with keys that players ask for: ${layout}`, async () => {
        const folder = `asked-${method}-${layout}`;
        await encrypt("film.mp4", folder, method, "--license-url", licences.url, ...flags);
        await playAsking(folder);
      });
    }

    test(`${method} plays in HLS with keys from their addresses`, async () => {
      const plays = layouts.map(async ({ layout, flags }) => {
        const folder = `fetched-${method}-${layout}`;
        await encrypt("film.mp4", folder, method, "--key-uri", `${licences.url}/{kid}`, ...flags);
        await play("shaka", `${folder}/hls.m3u8`);
      });
      await Promise.all(plays);
    });
  }

  for (const codec of ["vp9", "av1"]) {
    for (const [method, { flags }] of [
      ["cbcs", layouts[0]],
      ["cenc", layouts[1]],
    ]) {
      test(`${codec} and Opus play in ${method}`, async () => {
        const folder = `${codec}-${method}`;
        const more = ["--license-url", licences.url, ...flags];
        await encrypt(`${codec}.mp4`, folder, method, ...more);
        await playAsking(folder);
      });
    }
  }

  test("AES-128 plays in hls.js and shaka", async () => {
    const flags = ["--segments", "--key-uri", `${licences.url}/{kid}`];
    await encrypt("film.mp4", "whole", "aes-128", ...flags);
    await Promise.all(["hlsjs", "shaka"].map((player) => play(player, "whole/hls.m3u8")));
  });

  test("without its keys nothing plays", async () => {
    await encrypt("film.mp4", "locked", "cbcs");
    const page = await open(chromium);
    const wrong = { [PICTURE]: keys[SOUND], [SOUND]: keys[PICTURE] };
    const address = `${site.url}/locked/dash.mpd`;
    const report = await playToTheEnd(page, "shaka", address, {
      shaka: { clearKeys: wrong },
    }).catch(({ message }) => ({ errors: [message] }));
    assert.notDeepEqual(report.errors, []);
    await page.close();
  });
});
