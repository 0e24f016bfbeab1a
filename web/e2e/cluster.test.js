// `make cluster-demo`, as a viewer meets it: seven processes on Postgres, RabbitMQ and S3.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { openBrowser } from "./support/browser.js";
import { command, waitFor } from "./support/kinorad.js";

const root = path.resolve(import.meta.dirname, "../..");
let folder;
let demo;
let ended;
let output = "";
let chromium;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "kinora-cluster-"));
  demo = spawn(command("with-servers"), ["--cluster", path.join(root, "deploy/cluster-demo.sh")], {
    env: {
      ...process.env,
      KINORA_CLUSTER_DIR: path.join(folder, "cluster"),
      // The catalogue must know where the gateway will be, so that is settled beforehand.
      KINORA_CLUSTER_PORTS: `${await freePort()} 0 0 0 0`,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  demo.stderr.on("data", (chunk) => (output += chunk));
  ended = new Promise((resolve) => demo.on("exit", resolve));
  chromium = await openBrowser();
});
after(async () => {
  await chromium?.close();
  demo?.kill("SIGTERM");
  await ended;
  await rm(folder, { recursive: true, force: true });
});

test("a film plays from first to last frame, from either origin", async (context) => {
  const front = path.join(folder, "cluster/gateway");
  await waitFor("the demo", 240_000, () => {
    if (demo.exitCode !== null) throw new Error(`the demo ended:\n${output}`);
    return output.includes("Seven processes are running");
  });
  context.diagnostic(output.match(/The second worker runs[^.]*/)[0]);
  const { gateway } = JSON.parse(await readFile(path.join(front, "kinorad.json"), "utf8"));
  const key = (await readFile(path.join(front, "admin.key"), "utf8")).trim();
  const ask = async (route) => {
    const answer = await fetch(`${gateway}${route}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    assert.equal(answer.status, 200, route);
    return answer.json();
  };
  const ready = await waitFor("the film to be ready", 180_000, async () => {
    const [video] = (await ask("/api/v1/videos")).items;
    assert.notEqual(video.state, "failed", JSON.stringify(video));
    return video.state === "ready" && (await ask(`/api/v1/videos/${video.id}`));
  });

  const page = await chromium.browser.newPage();
  await page.goto(ready.playback.watch_url);
  await page.waitForFunction(() => document.getElementById("video").currentTime > 1, null, {
    timeout: 60_000,
  });
  // To the end, without waiting for all of it.
  await page.evaluate(() => {
    const video = document.getElementById("video");
    video.currentTime = video.duration - 2;
    return video.play();
  });
  await page.waitForFunction(() => document.getElementById("video").ended, null, {
    timeout: 60_000,
  });

  const second = JSON.parse(
    await readFile(path.join(folder, "cluster/origin-2/kinorad.json"), "utf8"),
  ).origin;
  const first = new URL(ready.playback.hls_url);
  const manifest = await fetch(`${second}${first.pathname}`);
  assert.equal(manifest.status, 200);
  assert.equal(await manifest.text(), await (await fetch(first)).text());

  const jobs = (await ask(`/api/v1/jobs?video=${ready.id}&limit=100`)).items;
  assert.ok(jobs.every((job) => job.state === "done"));
  const workers = new Set(jobs.map((job) => job.worker));
  assert.deepEqual([...workers].sort(), ["worker-1", "worker-2"], "both had a part in it");
  // What a worker needs is in the bucket and on the broker, not on its disk.
  const left = await readdir(path.join(folder, "cluster/worker-1"));
  assert.ok(!left.some((name) => name.endsWith(".sqlite")), left.join());
});
