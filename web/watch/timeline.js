// The timeline under the picture: thumbnails while the pointer or the keyboard moves along it,
// and the chapters. A slider like any other to keyboards and screen readers.

const video = document.getElementById("video");
const field = document.getElementById("timeline-field");
const slider = document.getElementById("timeline");
const preview = document.getElementById("preview");
const thumbnail = document.getElementById("thumbnail");
const list = document.getElementById("chapters");

let thumbnails = [];
let chapters = [];
let duration = 0;
let loaded = null;

// What a playback answer says. Called again whenever a newer one is there.
export function showTimeline(playback) {
  duration = (playback.duration_us ?? 0) / 1e6;
  slider.max = String(Math.max(1, Math.floor(duration)));
  const links = playback.playback;
  if (links?.poster_url) video.poster = links.poster_url;
  showChapters(playback.chapters ?? []);
  if (links?.storyboard_url && links.storyboard_url !== loaded) {
    loaded = links.storyboard_url;
    load(loaded).catch(() => (loaded = null));
  }
  field.hidden = !links || !duration || !(links.storyboard_url || chapters.length);
}

async function load(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`storyboard: ${answer.status}`);
  thumbnails = readThumbnails(await answer.text(), address);
}

// The cues of a thumbnail file: `start --> end`, then `sheet#xywh=left,top,width,height`.
function readThumbnails(text, address) {
  const blocks = text.split("\n\n").map((block) => block.split("\n"));
  return blocks
    .filter(([timing]) => timing.includes(" --> "))
    .map(([timing, place]) => {
      const [sheet, part] = place.split("#xywh=");
      const [left, top, width, height] = part.split(",").map(Number);
      const url = new URL(sheet, address).href;
      return { start: seconds(timing.split(" --> ")[0]), url, left, top, width, height };
    });
}

function seconds(text) {
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

function showChapters(found) {
  chapters = found.map(({ start_us, title }) => ({ start: start_us / 1e6, title }));
  list.hidden = chapters.length === 0;
  if (list.children.length === chapters.length) return;
  list.replaceChildren(
    ...chapters.map((chapter) => {
      const button = document.createElement("button");
      button.type = "button";
      const time = document.createElement("span");
      time.textContent = clock(chapter.start);
      button.append(time, ` ${chapter.title}`);
      button.addEventListener("click", () => goTo(chapter.start));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
}

function goTo(time) {
  video.currentTime = time;
  slider.value = String(Math.floor(time));
  describe();
}

function chapterAt(time) {
  return chapters.findLast((chapter) => chapter.start <= time);
}

function describe() {
  const time = Number(slider.value);
  const chapter = chapterAt(time);
  const place = `${clock(time)} of ${clock(duration)}`;
  slider.setAttribute("aria-valuetext", chapter ? `${place}, ${chapter.title}` : place);
  slider.style.setProperty("--played", `${(100 * time) / Number(slider.max)}%`);
  for (const [index, item] of [...list.children].entries()) {
    const current = chapters[index] === chapter;
    item.firstElementChild.toggleAttribute("data-current", current);
    if (current) item.firstElementChild.setAttribute("aria-current", "true");
    else item.firstElementChild.removeAttribute("aria-current");
  }
}

function showPreview(time) {
  const shown = thumbnails.findLast((tile) => tile.start <= time) ?? thumbnails[0];
  thumbnail.hidden = !shown;
  if (shown) {
    thumbnail.style.width = `${shown.width}px`;
    thumbnail.style.height = `${shown.height}px`;
    thumbnail.style.backgroundImage = `url("${shown.url}")`;
    thumbnail.style.backgroundPosition = `-${shown.left}px -${shown.top}px`;
  }
  const chapter = chapterAt(time);
  document.getElementById("preview-time").textContent = clock(time);
  document.getElementById("preview-chapter").textContent = chapter?.title ?? "";
  preview.hidden = false;
  // Above the place it shows, but never over the edge.
  const half = preview.offsetWidth / 2;
  const wanted = (time / Number(slider.max)) * slider.offsetWidth;
  const most = slider.offsetWidth - half;
  preview.style.left = `${Math.max(half, Math.min(most, wanted))}px`;
}

function clock(time) {
  const whole = Math.max(0, Math.floor(time));
  const pad = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

slider.addEventListener("input", () => {
  goTo(Number(slider.value));
  showPreview(Number(slider.value));
});
slider.addEventListener("pointermove", (event) => {
  const share = event.offsetX / slider.offsetWidth;
  showPreview(Math.max(0, Math.min(1, share)) * Number(slider.max));
});
slider.addEventListener("pointerleave", () => (preview.hidden = true));
slider.addEventListener("blur", () => (preview.hidden = true));
slider.addEventListener("focus", () => {
  if (slider.matches(":focus-visible")) showPreview(Number(slider.value));
});
addEventListener("resize", () => (preview.hidden = true));
video.addEventListener("timeupdate", () => {
  slider.value = String(Math.floor(video.currentTime));
  describe();
});
