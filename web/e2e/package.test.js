// `kinora package`: files of ffmpeg's become a folder that three players play, in both layouts.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import HLS from "hls-parser";
import { parse as parseMpd } from "mpd-parser";
import { openBrowser } from "./support/browser.js";
import { command, run } from "./support/kinorad.js";
import { assertPlayedWhole, open, playToTheEnd } from "./support/players.js";
import { serveFolder } from "./support/static.js";

const SECONDS = 4;
const RATE = 30;
const layouts = [
  { layout: "single files", folder: "single", flags: [] },
  { layout: "segment files", folder: "segments", flags: ["--segments"] },
];
const players = [
  { player: "hlsjs", manifest: "hls.m3u8" },
  { player: "shaka", manifest: "dash.mpd" },
  { player: "shaka", manifest: "hls.m3u8" },
  { player: "dashjs", manifest: "dash.mpd" },
];

let data;
let site;
let chromium;

function ffmpeg(...args) {
  return run("ffmpeg", ["-v", "error", "-y", ...args]);
}

before(async () => {
  data = await mkdtemp(path.join(tmpdir(), "kinora-package-"));
  const at = (name) => path.join(data, name);
  const picture = (size) => [
    "-f",
    "lavfi",
    "-i",
    `testsrc2=size=${size}:rate=${RATE}:d=${SECONDS}`,
  ];
  const sound = (pitch) => ["-f", "lavfi", "-i", `sine=${pitch}:sample_rate=48000:d=${SECONDS}`];
  const h264 = ["-c:v", "libx264", "-preset", "veryfast", "-g", "60", "-sc_threshold", "0"];
  await ffmpeg(...picture("640x360"), ...sound(440), ...h264, "-c:a", "aac", at("film.mp4"));
  await ffmpeg(...picture("320x180"), ...h264, at("low.mp4"));
  await ffmpeg(...sound(880), "-c:a", "aac", at("german.m4a"));
  await ffmpeg(...sound(660), "-c:a", "libopus", at("opus.mp4"));
  const vp9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "60"];
  await ffmpeg(...picture("480x270"), ...vp9, at("vp9.mp4"));
  await writeFile(at("film.vtt"), "WEBVTT\n\n00:00.500 --> 00:03.500\nShown on screen\n");
  const files = [at("film.mp4"), at("low.mp4"), "--audio", `de=${at("german.m4a")}`];
  for (const { folder, flags } of layouts) {
    const captions = ["--captions", `en=${at("film.vtt")}`];
    const more = [...captions, ...flags, "--segment-length", "2", "-o", at(folder)];
    await run(command("kinora"), ["package", ...files, ...more]);
  }
  await run(command("kinora"), ["package", at("vp9.mp4"), at("opus.mp4"), "-o", at("vp9")]);
  const av1 = ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-g", "60"];
  await ffmpeg(...picture("320x180"), ...av1, at("av1.mp4"));
  await run(command("kinora"), ["package", at("av1.mp4"), at("opus.mp4"), "-o", at("av1")]);
  [chromium, site] = await Promise.all([openBrowser(), serveFolder(data)]);
});
after(async () => {
  await chromium?.close();
  site?.close();
  await rm(data, { recursive: true, force: true });
});

/** All at once: together they take as long as one. */
function playInAll(chosen, folder) {
  const plays = chosen.map(async ({ player, manifest }) => {
    const page = await open(chromium);
    const report = await playToTheEnd(page, player, `${site.url}/${folder}/${manifest}`);
    assertPlayedWhole(report, `${player} by ${manifest}`, SECONDS, RATE);
    await page.close();
  });
  return Promise.all(plays);
}

for (const { layout, folder } of layouts) {
  describe(layout, () => {
    test("play whole in three players", () => playInAll(players, folder));

    test("are listed as others read them", async () => {
      const text = async (name) => readFile(path.join(data, folder, name), "utf8");
      HLS.setOptions({ strictMode: true });
      const main = HLS.parse(await text("hls.m3u8"));
      assert.deepEqual(
        main.variants[0].audio.map(({ language }) => language),
        [undefined, "de"],
      );
      for (const variant of main.variants.filter((variant) => !variant.isIFrameOnly)) {
        const media = HLS.parse(await text(variant.uri));
        assert.equal(media.segments.length, SECONDS / 2);
      }
      const mpd = parseMpd(await text("dash.mpd"), {
        manifestUri: `${site.url}/${folder}/`,
      });
      assert.equal(mpd.playlists.length, 2);
      assert.ok(Math.abs(mpd.duration - SECONDS) < 0.05, `${mpd.duration} s`);
    });
  });
}

for (const codec of ["vp9", "av1"]) {
  test(`${codec} and Opus play whole in three players`, () => playInAll(players, codec));
}
