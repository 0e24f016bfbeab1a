// Three players that we did not write, and what a play from end to end must show.
import assert from "node:assert/strict";
import { waitFor } from "./kinorad.js";

export const players = [
  { player: "hlsjs", manifest: "hls_url" },
  { player: "shaka", manifest: "dash_url" },
  { player: "shaka", manifest: "hls_url" },
  { player: "dashjs", manifest: "dash_url" },
];

/** A page of its own to play in. */
export async function open(chromium) {
  const page = await chromium.browser.newPage();
  await page.goto(`${chromium.site}/e2e/support/player.html`);
  return page;
}

/** Plays, with keys if need be; answers the report at the end or at the first error, and says where a player got stuck. */
export async function playToTheEnd(page, player, url, protection = {}) {
  await page.evaluate(([p, u, k]) => window.playIn(p, u, k), [player, url, protection]);
  let report;
  await waitFor(`${player} to reach the end`, 150_000, async () => {
    report = await page.evaluate(() => window.report());
    return report.errors.length > 0 || report.ended;
  }).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(report)}`);
  });
  return report;
}

export function assertPlayedWhole(report, name, seconds, rate) {
  assert.deepEqual(report.errors, [], name);
  assert.ok(report.firstTime < 0.5 / rate, `${name} showed ${report.firstTime} s first`);
  assert.ok(Math.abs(report.time - seconds) < 0.1, `${name} ended at ${report.time}`);
  assert.ok(Math.abs(report.duration - seconds) < 0.1, `${name} saw ${report.duration} s`);
  assert.ok(report.audioBytes > 0, `${name} decoded sound`);
  // A quality switch decodes a few frames twice; none may be missing.
  assert.ok(report.frames >= seconds * rate - 2, `${name} decoded ${report.frames} frames`);
}
