// Independent parsers and decoders read what a finished video publishes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import HLS from "hls-parser";
import { parse as parseMpd } from "mpd-parser";
import { kinora, makeClip, run, startKinorad } from "./support/kinorad.js";

const SECONDS = 12;
let server;
let done;

before(async () => {
  server = await startKinorad();
  const clip = await makeClip(server.data, "clip.mp4", { seconds: SECONDS, rate: 30 });
  const lines = await kinora(server, "upload", clip, "--wait=ready", "--json");
  done = JSON.parse(lines.trim().split("\n").at(-1));
});
after(() => server?.stop());

async function text(url) {
  const answer = await fetch(url);
  assert.equal(answer.status, 200, url);
  return answer.text();
}

test("hls-parser reads every playlist in strict mode", async () => {
  HLS.setOptions({ strictMode: true });
  const master = HLS.parse(await text(done.hls_url));
  assert.ok(master.isMasterPlaylist);
  assert.ok(master.variants.length >= 3);
  const uris = [
    ...master.variants.map((variant) => variant.uri),
    ...master.variants[0].audio.map((rendition) => rendition.uri),
  ];
  for (const uri of uris) {
    const playlist = HLS.parse(await text(new URL(uri, done.hls_url)));
    assert.ok(playlist.endlist);
    const total = playlist.segments.reduce((sum, segment) => sum + segment.duration, 0);
    assert.ok(Math.abs(total - SECONDS) < 0.05, `${uri} lasts ${total}`);
    for (const segment of playlist.segments) {
      assert.ok(Math.round(segment.duration) <= playlist.targetDuration);
    }
  }
});

test("mpd-parser finds the same segments that HLS names", async () => {
  const mpd = parseMpd(await text(done.dash_url), { manifestUri: done.dash_url });
  const master = HLS.parse(await text(done.hls_url));
  const pictures = master.variants.filter((variant) => !variant.isIFrameOnly);
  assert.equal(mpd.playlists.length, pictures.length);
  const named = new Set();
  for (const variant of pictures) {
    const playlistUrl = new URL(variant.uri, done.hls_url);
    const playlist = HLS.parse(await text(playlistUrl));
    playlist.segments.forEach((s) => named.add(new URL(s.uri, playlistUrl).href));
  }
  const dash = mpd.playlists.flatMap((p) => p.segments.map((s) => s.resolvedUri));
  assert.deepEqual(new Set(dash), named);
});

test("beep and flash agree within 40 ms in decoded data", async () => {
  const flashes = await flashTimes(done.hls_url);
  const beeps = await beepTimes(done.hls_url);
  assert.ok(flashes.length >= SECONDS - 1, `${flashes.length} flashes`);
  for (const flash of flashes) {
    const nearest = Math.min(...beeps.map((beep) => Math.abs(beep - flash)));
    assert.ok(nearest <= 0.04, `the beep nearest to the flash at ${flash} s is ${nearest} s away`);
  }
});

/**
 * When the picture turns white: the first frame of each run whose mean luma is high. Counted in
 * frames, because ffmpeg moves cmf2 pictures by their most negative composition offset.
 */
async function flashTimes(url) {
  const args = ["-v", "error", "-i", url, "-map", "0:v:0", "-fps_mode", "passthrough"];
  const { stdout } = await run(
    "ffmpeg",
    [...args, "-vf", "scale=16:16,format=gray", "-f", "rawvideo", "-"],
    {
      encoding: "buffer",
      maxBuffer: 1 << 26,
    },
  );
  const bright = Array.from({ length: stdout.length / 256 }, (_, frame) => {
    const pixels = stdout.subarray(frame * 256, (frame + 1) * 256);
    return pixels.reduce((sum, value) => sum + value, 0) / 256 > 170;
  });
  return bright.flatMap((on, i) => (on && !bright[i - 1] ? [i / 30] : []));
}

/** When sound begins after silence, on the presentation's own clock: priming lies before 0. */
async function beepTimes(url) {
  const args = ["-v", "error", "-copyts", "-i", url, "-map", "0:a:0", "-ac", "1"];
  const { stdout } = await run(
    "ffmpeg",
    [...args, "-af", "aresample=48000:first_pts=0", "-f", "s16le", "-"],
    {
      encoding: "buffer",
      maxBuffer: 1 << 26,
    },
  );
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length / 2);
  const times = [];
  let quietFor = 48_000;
  samples.forEach((sample, i) => {
    if (Math.abs(sample) < 1500) {
      quietFor += 1;
      return;
    }
    if (quietFor > 9600) times.push(i / 48_000);
    quietFor = 0;
  });
  return times;
}
