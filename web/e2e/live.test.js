// Low latency: `kinora-encoder live-test` sends a picture that shows when it was made, part by part,
// and hls.js shows it soon after. The clock is read back from the screen.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import net from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openBrowser } from "./support/browser.js";
import { command, startKinorad, waitFor } from "./support/kinorad.js";
import { open } from "./support/players.js";

const [WIDTH, HEIGHT] = [320, 180];
/** Of the clock in the picture. */
const BITS = 44;
const LIMIT_MS = 2000;

let server;
let chromium;
let encoder;
let ingest;
const stream = randomUUID();

before(async () => {
  const port = await freePort();
  const settings = { KINORA_ORIGIN_INGEST_LISTEN: `127.0.0.1:${port}` };
  [server, chromium] = await Promise.all([startKinorad(settings), openBrowser()]);
  ingest = `http://127.0.0.1:${port}`;
});
after(async () => {
  encoder?.child.kill("SIGKILL");
  await chromium?.close();
  await server?.stop();
});

async function freePort() {
  const probe = net.createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts the live test; what it says on standard error is kept. */
function publish() {
  const flags = ["live-test", "--to", ingest, "--stream", stream];
  const shape = ["--size", `${WIDTH}x${HEIGHT}`, "--rate", "25"];
  const child = spawn(command("kinora-encoder"), [...flags, ...shape], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => (said += chunk));
  const ended = new Promise((resolve) =>
    child.on("close", (code, signal) => resolve(code ?? signal)),
  );
  return { child, ended, said: () => said };
}

/**
 * In the page: how long ago the picture on the screen was made, milliseconds; null while its clock
 * cannot be read. The lowest tenth is a row of blocks: white, black, the bits of the milliseconds
 * since 1970 with the highest first, one that makes the white ones even, black.
 */
function age([width, height, bits]) {
  const video = document.getElementById("video");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const row = height - Math.floor(height / 20) - 1;
  const light = (block) => {
    const column = Math.floor(((block + 0.5) * width) / (bits + 4));
    return data[(row * width + column) * 4];
  };
  const [white, black] = [light(0), light(1)];
  if (white < black + 60) return null;
  const read = Array.from({ length: bits + 1 }, (_, n) => light(n + 2) > (white + black) / 2);
  if (read.filter(Boolean).length % 2 === 1) return null;
  const shown = read.slice(0, bits).reduce((number, bit) => number * 2 + Number(bit), 0);
  return Date.now() - shown;
}

test("hls.js shows a live picture within two seconds of its making", async () => {
  encoder = publish();
  const failed = encoder.ended.then((code) =>
    Promise.reject(new Error(`the live test ended with ${code}: ${encoder.said()}`)),
  );
  failed.catch(() => {});
  const address = `${server.origin}/live/${stream}/hls.m3u8`;
  const listed = waitFor("the stream to begin", 60_000, async () => (await fetch(address)).ok);
  await Promise.race([listed, failed]);
  await sleep(3000);
  const page = await open(chromium);
  await page.evaluate((url) => {
    // A host that was busy for a moment leaves the player behind: it catches up instead of staying so.
    const comesBack = { maxLiveSyncPlaybackRate: 1.5, liveSyncOnStallIncrease: 0 };
    const player = new window.Hls({ lowLatencyMode: true, ...comesBack });
    player.on(window.Hls.Events.ERROR, (_, data) => {
      if (data.fatal) window.seen.errors.push(`${data.type} ${data.details}`);
    });
    player.loadSource(url);
    player.attachMedia(document.getElementById("video"));
    window.player = player;
    void document.getElementById("video").play();
  }, address);
  const screen = [WIDTH, HEIGHT, BITS];
  const ages = [];
  const steady = waitFor(`five pictures in turn within ${LIMIT_MS} ms`, 60_000, async () => {
    const report = await page.evaluate(() => window.report());
    assert.deepEqual(report.errors, []);
    if (report.time > 0 && !report.paused) ages.push(await page.evaluate(age, screen));
    await sleep(200);
    const last = ages.slice(-5);
    return last.length === 5 && last.every((it) => it !== null && it >= 0 && it < LIMIT_MS);
  }).catch((error) => {
    const said = `${encoder.said()}\n${server.log().slice(-2000)}`;
    throw new Error(`${error.message}: ${ages.join(" ")}\n${said}`);
  });
  await Promise.race([steady, failed]);
  const fetched = await page.evaluate(() =>
    performance.getEntriesByType("resource").map((entry) => entry.name),
  );
  assert.ok(
    fetched.some((name) => /_HLS_msn=\d+&_HLS_part=\d+/.test(name)),
    "reloads block",
  );
  assert.ok(
    fetched.some((name) => /\/\d+\.\d+\.m4s/.test(name)),
    "parts are fetched",
  );
  console.log(`the picture's age, ms: ${ages.slice(-5).join(" ")}`);
  // Ended as by Ctrl-C, it leaves a stream that is whole.
  encoder.child.kill("SIGINT");
  assert.equal(await encoder.ended, 0, encoder.said());
  const media = await (await fetch(address.replace("hls.m3u8", "v1.m3u8"))).text();
  assert.match(media, /#EXT-X-ENDLIST/);
});
