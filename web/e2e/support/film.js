// A film that says by itself what a player shows and plays: its brightness tells the second, its
// pitch the language, and its captions have places of their own.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { run } from "./kinorad.js";

export const SECONDS = 20;
export const RATE = 30;
/** Hertz, by language. */
export const pitches = { en: 440, de: 880 };

/** Captions, with times at which each is shown, and between them times at which none is. */
export const cues = [
  { from: "00:00.500", to: "00:02.000", settings: "", text: "Below" },
  // Over the end of a segment.
  { from: "00:03.000", to: "00:05.000", settings: "line:0 position:0% align:start", text: "Top" },
  {
    from: "00:05.500",
    to: "00:07.000",
    settings: "line:50% position:100% align:end",
    text: "Side",
  },
];
export const shown = [
  { time: 1.5, text: "Below", where: ({ top, left, right }) => top > 300 && middle(left, right) },
  { time: 2.5 },
  { time: 4.5, text: "Top", where: ({ bottom, left }) => bottom < 60 && left < 20 },
  { time: 5.25 },
  { time: 6.5, text: "Side", where: ({ top, right }) => top > 140 && top < 220 && right > 620 },
  { time: 8 },
];
const middle = (left, right) => Math.abs((left + right) / 2 - 320) < 20;

/** One file with two languages, and files of one language each; captions beside them. */
export async function makeFilm(folder) {
  const at = (name) => path.join(folder, name);
  const brightness = "geq=lum=16+4*floor(T):cb=128:cr=128,scale=640:360:flags=neighbor";
  const picture = `color=black:size=16x16:rate=${RATE}:d=${SECONDS},${brightness},setsar=1`;
  const sound = Object.values(pitches).map((it) => `sine=${it}:sample_rate=48000:d=${SECONDS}`);
  const inputs = [picture, ...sound].flatMap((source) => ["-f", "lavfi", "-i", source]);
  const h264 = ["-c:v", "libx264", "-preset", "veryfast", "-g", "60", "-sc_threshold", "0"];
  const codecs = [...h264, "-pix_fmt", "yuv420p", "-c:a", "aac"];
  const tags = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu"];
  const maps = ["-map", "0", "-map", "1", "-map", "2"];
  await ffmpeg(...inputs, ...maps, ...codecs, ...tags, at("both.mp4"));
  const copy = ["-i", at("both.mp4"), "-c", "copy"];
  await ffmpeg(...copy, "-map", "0:v", "-map", "0:a:0", at("film.mp4"));
  await ffmpeg(...copy, "-map", "0:a:1", at("german.m4a"));
  const text = cues.map((cue) => `${cue.from} --> ${cue.to} ${cue.settings}\n${cue.text}\n`);
  await writeFile(at("film.vtt"), `WEBVTT\n\n${text.join("\n")}`);
  return {
    both: at("both.mp4"),
    film: at("film.mp4"),
    german: at("german.m4a"),
    captions: at("film.vtt"),
  };
}

function ffmpeg(...args) {
  return run("ffmpeg", ["-v", "error", "-y", ...args]);
}

/** The second of the film that a grey of 0 to 255 belongs to. */
export function secondOf(grey) {
  return grey / (4 * (255 / 219));
}
