// A real kinorad on free loopback ports with a data folder of its own.
import { spawn, execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const root = path.resolve(import.meta.dirname, "../../..");
const bin = path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, "target"), "debug");

export const run = promisify(execFile);

/** Where one of our commands is. */
export const command = (name) => path.join(bin, name);

export async function startKinorad(settings = {}) {
  const data = await mkdtemp(path.join(tmpdir(), "kinora-e2e-"));
  const child = spawn(path.join(bin, "kinorad"), ["serve"], {
    cwd: data,
    env: {
      ...process.env,
      KINORA_DATA_DIR: data,
      KINORA_SERVER_LISTEN: "127.0.0.1:0",
      KINORA_ORIGIN_LISTEN: "127.0.0.1:0",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stdout.on("data", (chunk) => (log += chunk));
  child.stderr.on("data", (chunk) => (log += chunk));
  const exited = new Promise((resolve) => child.on("exit", resolve));

  const { gateway, origin } = await waitFor("kinorad to start", 20_000, async () => {
    if (child.exitCode !== null) throw new Error(`kinorad ended at once:\n${log}`);
    return JSON.parse(await readFile(path.join(data, "kinorad.json"), "utf8").catch(() => "null"));
  });
  const apiKey = (await readFile(path.join(data, "admin.key"), "utf8")).trim();

  return {
    gateway,
    origin,
    apiKey,
    data,
    api: async (route, init = {}) => {
      const headers = { authorization: `Bearer ${apiKey}`, ...init.headers };
      const answer = await fetch(`${gateway}${route}`, { ...init, headers });
      if (!answer.ok) throw new Error(`${route}: ${answer.status} ${await answer.text()}`);
      return answer.status === 204 ? null : answer.json();
    },
    log: () => log,
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Makes a test clip; answers its path. */
export async function makeClip(folder, name, options) {
  const file = path.join(folder, name);
  const flags = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
  await run(path.join(bin, "kinora-encoder"), ["sample", "--output", file, ...flags]);
  return file;
}

/** Runs the kinora command line; answers its standard output. */
export async function kinora(server, ...args) {
  const { stdout } = await run(path.join(bin, "kinora"), args, {
    env: {
      ...process.env,
      KINORA_SERVER: server.gateway,
      KINORA_API_KEY: server.apiKey,
    },
    maxBuffer: 1 << 26,
  });
  return stdout;
}

/** Polls until `probe` answers something; fails after `limitMs` saying what it waited for. */
export async function waitFor(what, limitMs, probe) {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms for ${what}`);
    await sleep(100);
  }
}

/** The video once it is in one of `states`. */
export function waitForState(server, id, states, limitMs = 120_000) {
  return waitFor(`video ${id} to be ${states.join(" or ")}`, limitMs, async () => {
    const video = await server.api(`/api/v1/videos/${id}`);
    if (video.state === "failed" && !states.includes("failed")) {
      throw new Error(`video failed: ${video.reason?.message}\n${server.log().slice(-4000)}`);
    }
    return states.includes(video.state) && video;
  });
}
