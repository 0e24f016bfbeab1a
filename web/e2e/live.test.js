// Low latency: a picture that shows when it was made is sent out part by part, and hls.js shows it
// soon after. The clock is read back from the screen.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import net from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openBrowser } from "./support/browser.js";
import { startKinorad, waitFor } from "./support/kinorad.js";
import { open } from "./support/players.js";

const [WIDTH, HEIGHT, RATE] = [320, 180, 25];
/** Frames of a part and of a segment. */
const [PART, SEGMENT] = [5, 25];
/** The clock: so many bits of milliseconds, as black and white blocks, so many in a row. */
const [BITS, COLUMNS] = [40, 8];
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
  ingest = `http://127.0.0.1:${port}/internal/live/${stream}`;
});
after(async () => {
  encoder?.kill("SIGKILL");
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

/** A picture of the present time. */
function frame() {
  const picture = Buffer.alloc(WIDTH * HEIGHT, 16);
  const now = BigInt(Date.now());
  const [width, height] = [WIDTH / COLUMNS, HEIGHT / (BITS / COLUMNS)];
  for (let bit = 0; bit < BITS; bit += 1) {
    if (((now >> BigInt(bit)) & 1n) === 0n) continue;
    const left = (bit % COLUMNS) * width;
    const top = Math.floor(bit / COLUMNS) * height;
    for (let y = top; y < top + height; y += 1) {
      const start = y * WIDTH + left;
      picture.fill(235, start, start + width);
    }
  }
  return picture;
}

async function put(name, body) {
  const answer = await fetch(`${ingest}/v180${name}`, { method: "PUT", body });
  if (answer.status !== 204) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
}

/** Encodes pictures as they come, and puts every fragment as a part. */
async function publish() {
  const raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", `${WIDTH}x${HEIGHT}`, "-r", `${RATE}`];
  const h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"];
  const gop = [
    "-g",
    `${SEGMENT}`,
    "-sc_threshold",
    "0",
    "-pix_fmt",
    "yuv420p",
    "-profile:v",
    "main",
  ];
  const fragments = ["-movflags", "empty_moov+default_base_moof+frag_keyframe", "-frag_duration"];
  const length = `${(PART * 1_000_000) / RATE}`;
  const output = ["-flush_packets", "1", "-f", "mp4", "pipe:1"];
  const flags = [...raw, "-i", "pipe:0", ...h264, ...gop, ...fragments, length, ...output];
  const quick = ["-v", "error", "-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0"];
  encoder = spawn("ffmpeg", [...quick, ...flags], { stdio: ["pipe", "pipe", "inherit"] });
  encoder.stdin.on("error", () => {});
  const [began, sent] = [Date.now(), { frames: 0 }];
  const timer = setInterval(() => {
    for (; sent.frames * (1000 / RATE) <= Date.now() - began; sent.frames += 1) {
      encoder.stdin.write(frame());
    }
  }, 10);
  encoder.on("exit", () => clearInterval(timer));

  await fetch(`${ingest}/v180`, {
    method: "PUT",
    body: JSON.stringify({
      access: "public",
      timescale: RATE,
      target_duration_s: SEGMENT / RATE,
      part_target: PART,
      independent: true,
      codec: "avc1.4d400d",
      bandwidth: 2_000_000,
      media: { kind: "video", width: WIDTH, height: HEIGHT, frame_rate: { num: RATE, den: 1 } },
    }),
  });
  let [init, moof, frames] = [[], null, 0];
  for await (const { type, box } of boxes(encoder.stdout)) {
    if (type === "ftyp" || type === "moov") init.push(box);
    if (type === "moov") await put("/init.mp4", Buffer.concat(init));
    if (type === "moof") moof = box;
    if (type !== "mdat") continue;
    const samples = moof.readUInt32BE(moof.indexOf("trun") + 8);
    const [segment, part] = [Math.floor(frames / SEGMENT), Math.floor((frames % SEGMENT) / PART)];
    const first = frames % SEGMENT === 0;
    frames += samples;
    const query = [`duration=${samples}`];
    if (first) query.push("independent", `at=${(Date.now() - 200) * 1000}`);
    if (frames % SEGMENT === 0) query.push("last");
    await put(`/${segment}.${part}?${query.join("&")}`, Buffer.concat([moof, box]));
  }
}

/** The boxes of an MP4 that is still being written. */
async function* boxes(output) {
  let read = Buffer.alloc(0);
  for await (const chunk of output) {
    read = Buffer.concat([read, chunk]);
    while (read.length >= 8 && read.length >= read.readUInt32BE(0)) {
      const size = read.readUInt32BE(0);
      yield { type: read.toString("latin1", 4, 8), box: read.subarray(0, size) };
      read = read.subarray(size);
    }
  }
}

/** In the page: how long ago the picture on the screen was made, milliseconds. */
function age([width, height, bits, columns]) {
  const video = document.getElementById("video");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  let shown = 0n;
  for (let bit = 0; bit < bits; bit += 1) {
    const x = ((bit % columns) + 0.5) * (width / columns);
    const y = (Math.floor(bit / columns) + 0.5) * (height / (bits / columns));
    const light = data[(Math.floor(y) * width + Math.floor(x)) * 4];
    if (light > 128) shown |= 1n << BigInt(bit);
  }
  const now = BigInt(Date.now());
  return Number((now - shown) & ((1n << BigInt(bits)) - 1n));
}

test("hls.js shows a live picture within two seconds of its making", async () => {
  const published = publish();
  published.catch(() => {});
  const failed = published.then(() => Promise.reject(new Error("the encoder ended")));
  failed.catch(() => {});
  const address = `${server.origin}/live/${stream}/hls.m3u8`;
  const listed = waitFor("the stream to begin", 60_000, async () => (await fetch(address)).ok);
  await Promise.race([listed, failed]);
  await sleep(3000);
  const page = await open(chromium);
  await page.evaluate((url) => {
    const player = new window.Hls({ lowLatencyMode: true });
    player.on(window.Hls.Events.ERROR, (_, data) => {
      if (data.fatal) window.seen.errors.push(`${data.type} ${data.details}`);
    });
    player.loadSource(url);
    player.attachMedia(document.getElementById("video"));
    window.player = player;
    void document.getElementById("video").play();
  }, address);
  const screen = [WIDTH, HEIGHT, BITS, COLUMNS];
  const ages = [];
  const steady = waitFor(`five pictures in turn within ${LIMIT_MS} ms`, 60_000, async () => {
    const report = await page.evaluate(() => window.report());
    assert.deepEqual(report.errors, []);
    if (report.time > 0 && !report.paused) ages.push(await page.evaluate(age, screen));
    await sleep(200);
    return ages.length >= 5 && ages.slice(-5).every((it) => it < LIMIT_MS);
  }).catch((error) => {
    throw new Error(`${error.message}: ${ages.join(" ")}\n${server.log().slice(-2000)}`);
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
});
