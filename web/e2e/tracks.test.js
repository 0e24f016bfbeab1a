// Languages and captions, in three players, of packages in both layouts and of the platform: what
// is heard, and what is drawn on the screen.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { openBrowser } from "./support/browser.js";
import { SECONDS, makeFilm, pitches, secondOf, shown } from "./support/film.js";
import { command, kinora, run, startKinorad, waitFor } from "./support/kinorad.js";
import { open, players } from "./support/players.js";
import { brightBox, middleGrey } from "./support/screen.js";
import { serveFolder } from "./support/static.js";

const layouts = [
  { source: "single files", flags: [] },
  { source: "segment files", flags: ["--segments"] },
];
/** The addresses of each presentation. */
const addresses = {};

let data;
let site;
let server;
let chromium;

before(async () => {
  data = await mkdtemp(path.join(tmpdir(), "kinora-tracks-"));
  [chromium, site, server] = await Promise.all([openBrowser(), serveFolder(data), startKinorad()]);
  const { both, film, german, captions } = await makeFilm(data);
  for (const [number, { source, flags }] of layouts.entries()) {
    const languages = ["--audio", `de=${german}`, "--captions", `en=${captions}`];
    const more = ["--segment-length", "2", "-o", path.join(data, `${number}`)];
    await run(command("kinora"), ["package", film, ...languages, ...flags, ...more]);
    const folder = `${site.url}/${number}`;
    addresses[source] = { hls_url: `${folder}/hls.m3u8`, dash_url: `${folder}/dash.mpd` };
  }
  const flags = ["--captions", `en=${captions}`, "--wait=ready", "--json"];
  const lines = await kinora(server, "upload", both, ...flags);
  addresses["the platform"] = JSON.parse(lines.trim().split("\n").at(-1));
});
after(async () => {
  await chromium?.close();
  site?.close();
  await server?.stop();
  await rm(data, { recursive: true, force: true });
});

/** A page in which it plays. */
async function begin(player, address) {
  const page = await open(chromium);
  await page.evaluate(([p, u]) => window.playIn(p, u), [player, address]);
  await waitFor(`${player} to play ${address}`, 60_000, async () => {
    const { errors, time } = await page.evaluate(() => window.report());
    assert.deepEqual(errors, []);
    return time > 0.3;
  });
  return page;
}

const combinations = [...layouts.map(({ source }) => source), "the platform"].flatMap((source) =>
  players.map(({ player, manifest }) => ({
    player,
    title: `${player} by ${manifest === "hls_url" ? "HLS" : "DASH"}: ${source}`,
    address: () => addresses[source][manifest],
  })),
);

describe("captions are drawn at their time and place", { concurrency: 3 }, () => {
  for (const { player, title, address } of combinations) {
    test(title, async () => {
      const page = await begin(player, address());
      assert.deepEqual(await page.evaluate((p) => window.captionLanguages(p), player), ["en"]);
      await page.evaluate((p) => window.chooseCaptions(p, "en"), player);
      for (const { time, text, where } of shown) {
        await page.evaluate((time) => window.pauseAt(time), time);
        const wanted = text ? [text] : [];
        let seen;
        await waitFor(`${text ?? "nothing"} at ${time} s`, 20_000, async () => {
          seen = { texts: await page.evaluate(() => window.captionsShown()) };
          seen.box = await brightBox(page);
          const same = seen.texts.join() === wanted.join();
          return same && (where ? seen.box && where(seen.box) : !seen.box);
        }).catch((error) => {
          throw new Error(`${error.message}: ${JSON.stringify(seen)}`);
        });
      }
      await page.close();
    });
  }
});

describe("another language is heard when it is chosen", { concurrency: 3 }, () => {
  for (const { player, title, address } of combinations) {
    test(title, async () => {
      const page = await begin(player, address());
      await page.evaluate(() => window.listen());
      const hear = async (language) => {
        let pitch;
        await waitFor(`${language} to be heard`, 20_000, async () => {
          pitch = await page.evaluate(() => window.pitch());
          return Math.abs(pitch - pitches[language]) < 40;
        }).catch((error) => {
          throw new Error(`${error.message}: ${pitch} Hz`);
        });
        assert.equal(await page.evaluate((p) => window.audioLanguage(p), player), language);
      };
      const offered = await page.evaluate((p) => window.audioLanguages(p), player);
      assert.deepEqual(offered, ["de", "en"]);
      for (const language of ["en", "de", "en"]) {
        await page.evaluate(([p, l]) => window.chooseAudio(p, l), [player, language]);
        await hear(language);
      }
      const { errors } = await page.evaluate(() => window.report());
      assert.deepEqual(errors, []);
      await page.close();
    });
  }
});

describe("thumbnails are those of their time", { concurrency: 3 }, () => {
  // In the sheet's first row, its second, and at the end.
  const times = [0.7, 7.2, 12.5, SECONDS - 0.5];
  const assertShown = (grey, time) => {
    const second = secondOf(grey);
    assert.ok(Math.abs(second - Math.floor(time)) < 0.5, `at ${time} s the tile of ${second} s`);
  };

  for (const { player, manifest } of players.filter(({ player }) => player !== "hlsjs")) {
    test(`${player} by ${manifest === "hls_url" ? "HLS" : "DASH"}`, async () => {
      const page = await begin(player, addresses["the platform"][manifest]);
      for (const time of times) {
        const tile = await page.evaluate(([p, t]) => window.thumbnail(p, t), [player, time]);
        assert.deepEqual([tile.width, tile.height], [160, 90]);
        assertShown(tile.grey, time);
      }
      await page.close();
    });
  }

  test("the watch page, over its timeline", async () => {
    const page = await chromium.browser.newPage({ viewport: { width: 1000, height: 900 } });
    const reader = await open(chromium);
    await page.goto(addresses["the platform"].watch_url);
    const slider = page.locator("#timeline");
    await slider.waitFor();
    const { width, height } = await slider.boundingBox();
    for (const time of times) {
      await slider.hover({ position: { x: (time / SECONDS) * width, y: height / 2 } });
      const preview = page.locator("#thumbnail");
      await preview.waitFor();
      let grey;
      await waitFor(`the thumbnail of ${time} s`, 10_000, async () => {
        grey = await middleGrey(reader, await preview.screenshot());
        return Math.abs(secondOf(grey) - Math.floor(time)) < 0.5;
      }).catch(() => assertShown(grey, time));
      assert.match(await page.textContent("#preview-time"), new RegExp(`:${pad(time)}$`));
    }
    await Promise.all([page.close(), reader.close()]);
  });
});

const pad = (time) => String(Math.floor(time)).padStart(2, "0");
