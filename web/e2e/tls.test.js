// An origin with a certificate, seen by players that we did not write, over both versions of HTTP.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { openBrowser } from "./support/browser.js";
import { kinora, makeClip, run, startKinorad, waitForState } from "./support/kinorad.js";
import { assertPlayedWhole, open, players, playToTheEnd } from "./support/players.js";

const SECONDS = 6;
const RATE = 30;

let folder;
let server;
let playback;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "kinora-tls-"));
  const [certificate, key] = ["certificate.pem", "key.pem"].map((name) => path.join(folder, name));
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", key, "-out", certificate];
  await run("openssl", ["req", "-x509", "-nodes", "-days", "2", ...curve, ...name, ...files]);
  server = await startKinorad({
    KINORA_ORIGIN_TLS_CERTIFICATE: certificate,
    KINORA_ORIGIN_TLS_KEY: key,
  });
  const clip = await makeClip(folder, "short.mp4", {
    seconds: SECONDS,
    rate: RATE,
    size: "640x360",
  });
  await kinora(server, "upload", clip);
  const { items } = await server.api("/api/v1/videos");
  ({ playback } = await waitForState(server, items[0].id, ["ready"]));
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

for (const { protocol, flags } of [
  { protocol: "h2", flags: [] },
  { protocol: "http/1.1", flags: ["--disable-http2"] },
]) {
  test(`three players play over TLS and ${protocol}`, async () => {
    const chromium = await openBrowser("--ignore-certificate-errors", ...flags);
    try {
      const plays = players.map(async ({ player, manifest }) => {
        const page = await open(chromium);
        const url = playback[manifest];
        assert.match(url, /^https:/);
        const report = await playToTheEnd(page, player, url);
        assertPlayedWhole(report, `${player} ${manifest}`, SECONDS, RATE);
        const spoken = await page.evaluate((origin) => {
          const fetched = performance.getEntriesByType("resource");
          return fetched.filter((f) => f.name.startsWith(origin)).map((f) => f.nextHopProtocol);
        }, server.origin);
        assert.deepEqual([...new Set(spoken)], [protocol], `${player} ${manifest}`);
      });
      await Promise.all(plays);
    } finally {
      await chromium.close();
    }
  });
}
