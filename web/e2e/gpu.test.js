// A graphics processor fails after the first publish: players cross to the CPU's pictures.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { openBrowser } from "./support/browser.js";
import { kinora as commandLine, makeClip, startKinorad, waitForState } from "./support/kinorad.js";
import { assertPlayedWhole, open, players, playToTheEnd } from "./support/players.js";

const SECONDS = 18;
const RATE = 30;

let kinora;
let chromium;
let profiles;

before(async () => {
  profiles = await mkdtemp(path.join(tmpdir(), "kinora-profiles-"));
  await writeFile(
    path.join(profiles, "encoded.toml"),
    'description = "tests"\npassthrough = false\n',
  );
  [kinora, chromium] = await Promise.all([
    startKinorad({
      // The fake device's fourth chunk, at 14 s, does not come about.
      KINORA_FAKE_GPU: "error@3",
      KINORA_WORKER_SLOTS: "1",
      KINORA_TRANSCODING_PROFILES: profiles,
      KINORA_TRANSCODING_DEFAULT_PROFILE: "encoded",
    }),
    openBrowser(),
  ]);
});
after(async () => {
  await chromium?.close();
  await kinora?.stop();
  await rm(profiles, { recursive: true, force: true });
});

test("three players cross from one encoder to another without losing a frame", async () => {
  const clip = await makeClip(kinora.data, "switched.mp4", {
    seconds: SECONDS,
    rate: RATE,
    size: "1280x720",
  });
  const pages = await Promise.all(players.map(() => open(chromium)));
  const id = (await commandLine(kinora, "upload", "--wait=playable", clip)).trim();
  const { playback } = await waitForState(kinora, id, ["playable", "plays_through", "ready"]);
  const before = await (await fetch(playback.dash_url)).text();
  assert.match(before, /type="dynamic"/, "players start before all is there");
  assert.doesNotMatch(before, /mediaPresentationDuration/, "a second period may come");
  const reports = await Promise.all(
    players.map(({ player, manifest }, i) => playToTheEnd(pages[i], player, playback[manifest])),
  );
  const { hls_url, dash_url } = (await waitForState(kinora, id, ["ready"])).playback;
  const multivariant = await (await fetch(hls_url)).text();
  const top = multivariant.split("\n").find((line) => line.endsWith(".m3u8"));
  const playlist = await (await fetch(new URL(top, hls_url))).text();
  assert.match(playlist, /#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="[^"]*init-1\.mp4"/);
  assert.equal((await (await fetch(dash_url)).text()).match(/<Period /g).length, 2);
  reports.forEach((report, i) =>
    assertPlayedWhole(report, `${players[i].player} ${players[i].manifest}`, SECONDS, RATE),
  );
  await Promise.all(pages.map((page) => page.close()));
});
