// Every playlist that the packager's tests keep as a snapshot, read by two parsers of others.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import HLS from "hls-parser";
import { Parser } from "m3u8-parser";

const folder = fileURLToPath(new URL("../../packager/tests/packager/snapshots", import.meta.url));
const playlists = [];

before(async () => {
  for (const file of await readdir(folder)) {
    // What lint has to find is wrong on purpose.
    if (!file.endsWith(".snap") || file.includes("__lint__")) continue;
    const text = await readFile(path.join(folder, file), "utf8");
    const body = text.slice(text.indexOf("\n---\n") + 5);
    // Some hold several, or captions and manifests besides, each with its name before it.
    const found = body.split("#EXTM3U\n").slice(1);
    found.forEach((rest, i) => {
      const text = `#EXTM3U\n${rest.split("\n== ")[0]}\n`;
      playlists.push({ name: `${file} ${i}`, text });
    });
  }
});

/** What m3u8-parser makes of it, and what it complains of. */
function parsed(text) {
  const parser = new Parser();
  const complaints = [];
  parser.on("warn", ({ message }) => complaints.push(message));
  parser.push(text);
  parser.end();
  return { manifest: parser.manifest, complaints };
}

test("hls-parser reads them all in strict mode", () => {
  HLS.setOptions({ strictMode: true });
  assert.ok(playlists.length > 20, `${playlists.length} playlists`);
  for (const { name, text } of playlists) {
    // It takes apostrophes for quotes.
    assert.doesNotThrow(() => HLS.parse(text.replaceAll("'", "")), name);
  }
});

test("m3u8-parser finds every segment and has no complaint", () => {
  for (const { name, text } of playlists) {
    const { manifest, complaints } = parsed(text);
    assert.deepEqual(complaints, [], name);
    const segments = text.match(/^#EXTINF:/gm)?.length ?? 0;
    const whole = (manifest.segments ?? []).filter((segment) => segment.uri);
    assert.equal(whole.length, segments, name);
  }
});

describe("live playlists", () => {
  const named = (part) => playlists.find(({ name }) => name.includes(part)).text;

  test("have their parts, hint and reports", () => {
    for (const name of ["live_whole", "live_delta"]) {
      const text = named(name);
      const parts = text.match(/^#EXT-X-PART:/gm).length;
      const ours = HLS.parse(text);
      assert.equal(
        ours.segments.flatMap((segment) => segment.parts).filter((part) => !part.hint).length,
        parts,
      );
      assert.equal(ours.partTargetDuration, 0.333334);
      assert.equal(ours.lowLatencyCompatibility.canBlockReload, true);
      assert.deepEqual(
        ours.renditionReports.map(({ lastMSN, lastPart }) => [lastMSN, lastPart]),
        [
          [43, 2],
          [42, 0],
        ],
      );
      const { manifest } = parsed(text);
      const segments = [...manifest.segments, manifest.preloadSegment];
      assert.equal(segments.flatMap((segment) => segment.parts ?? []).length, parts);
      assert.deepEqual(
        manifest.preloadSegment.preloadHints.map(({ type, uri }) => [type, uri]),
        [["PART", "40.2.m4s"]],
      );
      assert.equal(manifest.renditionReports.length, 2);
      assert.equal(manifest.serverControl.canSkipUntil, 12);
    }
  });

  test("leave out what a delta says is left out", () => {
    const { skip } = HLS.parse(named("live_delta"));
    assert.equal(skip, 4);
    const { manifest } = parsed(named("live_delta"));
    assert.equal(manifest.skip.skippedSegments, 4);
    assert.equal(manifest.mediaSequence, 30);
  });
});
