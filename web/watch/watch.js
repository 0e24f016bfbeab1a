// The watch page: asks for the playback addresses, plays them with hls.js, and follows the
// encoding until it ends. It needs no build step; the full web application replaces it.

import { showTimeline } from "./timeline.js";

const video = document.getElementById("video");
const stage = document.getElementById("stage");
const id = location.pathname.split("/").filter(Boolean).at(-1);
const token = new URLSearchParams(location.search).get("token");
const query = token ? `?token=${encodeURIComponent(token)}` : "";

let player = null;
let playingVersion = null;
let announced = "";

start();

async function start() {
  const playback = await fetchPlayback();
  if (!playback) return;
  show(playback);
  // Whoever heard that it failed hears that it no longer does.
  if (playback.state === "ready" && announced) announce("The video is ready.");
  if (isOver(playback.state)) lookAgain(playback);
  else followProgress();
}

// A video that failed may be tried again.
function lookAgain({ state }) {
  if (state === "failed") setTimeout(start, 10_000);
}

async function fetchPlayback() {
  try {
    const answer = await fetch(`/api/v1/playback/${encodeURIComponent(id)}${query}`);
    const body = await answer.json();
    if (answer.ok) return body;
    fail(reasonFor(answer.status, body));
  } catch {
    fail("The server cannot be reached. Reload the page to try again.");
  }
  return null;
}

function reasonFor(status, problem) {
  if (status === 404) return "There is no such video, or this link does not open it.";
  if (status === 401 || status === 403) return "This link has expired. Ask for a new one.";
  return problem.detail ?? problem.title ?? "The server could not answer.";
}

function show(playback) {
  document.title = `${playback.title} · Kinora`;
  text("title", playback.title);
  showTimeline(playback);
  if (playback.state === "failed") {
    stop();
    fail(`This video could not be prepared: ${playback.reason?.message ?? "unknown reason"}`);
  } else if (playback.playback) {
    play(playback.playback);
  } else {
    curtain(waitingText(playback.state));
  }
}

function waitingText(state) {
  const waiting = {
    awaiting_upload: "Waiting for the upload to begin…",
    uploading: "The video is being uploaded…",
    queued: "Waiting for a worker…",
  };
  return waiting[state] ?? "Preparing the first seconds…";
}

function play({ hls_url: address, license_url: licenses, version }) {
  if (playingVersion === version) return;
  stop();
  playingVersion = version;
  stage.dataset.phase = "playing";
  if (window.Hls?.isSupported()) {
    playWithHls(address, licenses);
  } else if (video.canPlayType("application/vnd.apple.mpegurl")) {
    video.src = address;
  } else {
    fail("This browser cannot play HLS video.");
  }
}

// Of a version that failed, or that a later one replaces.
function stop() {
  player?.destroy();
  player = null;
  playingVersion = null;
}

function playWithHls(address, licenses) {
  player = new window.Hls({ startPosition: 0, ...protection(licenses) });
  player.on(window.Hls.Events.MANIFEST_PARSED, () => {
    offerQualities(player.levels);
    // Browsers refuse to start with sound before the viewer has acted: then the controls wait.
    video.play().catch(() => {});
  });
  player.on(window.Hls.Events.AUDIO_TRACKS_UPDATED, () => offerLanguages(player.audioTracks));
  player.on(window.Hls.Events.AUDIO_TRACK_SWITCHED, (_, { id }) => {
    document.getElementById("language").value = String(id);
  });
  player.on(window.Hls.Events.ERROR, (_, error) => recover(error));
  player.loadSource(address);
  player.attachMedia(video);
}

// Asked for only where playlists name keys. Browsers have key systems on secure pages alone.
function protection(licenseUrl) {
  if (!licenseUrl || !window.isSecureContext) return {};
  return { emeEnabled: true, drmSystems: { "org.w3.clearkey": { licenseUrl } } };
}

function recover(error) {
  if (!error.fatal) return;
  const { NETWORK_ERROR, MEDIA_ERROR } = window.Hls.ErrorTypes;
  if (error.type === NETWORK_ERROR && [401, 403].includes(error.response?.code)) {
    player.destroy();
    fail("This link has expired. Ask for a new one.");
  } else if (error.type === NETWORK_ERROR) {
    announce("The connection was lost. Trying again.");
    setTimeout(() => player.startLoad(), 2000);
  } else if (error.type === MEDIA_ERROR) {
    player.recoverMediaError();
  } else {
    player.destroy();
    fail("This browser cannot play this video.");
  }
}

function offerQualities(levels) {
  if (levels.length < 2) return;
  const select = document.getElementById("quality");
  const option = (value, label) => new Option(label, value);
  const byHeight = levels.map((level, index) => ({ level, index }));
  byHeight.sort((a, b) => b.level.height - a.level.height);
  select.replaceChildren(
    option(-1, "Automatic"),
    ...byHeight.map(({ level, index }) => option(index, qualityName(level))),
  );
  select.onchange = () => (player.nextLevel = Number(select.value));
  document.getElementById("quality-field").hidden = false;
}

// What the browser's own controls have no menu for.
function offerLanguages(tracks) {
  const select = document.getElementById("language");
  select.replaceChildren(...tracks.map(({ name, id }) => new Option(name, id)));
  select.value = String(player.audioTrack);
  select.onchange = () => (player.audioTrack = Number(select.value));
  document.getElementById("language-field").hidden = tracks.length < 2;
}

function qualityName(level) {
  const lines = Math.min(level.width, level.height);
  const rate = Math.round(level.frameRate);
  return rate > 31 ? `${lines}p${rate}` : `${lines}p`;
}

function followProgress() {
  const events = new EventSource(
    `/api/v1/videos/${encodeURIComponent(id)}/progress/events${query}`,
  );
  events.addEventListener("progress", (event) => {
    const progress = JSON.parse(event.data);
    showProgress(progress);
    const started = progress.playable && playingVersion === null;
    const over = isOver(progress.state);
    if (over) events.close();
    // The catalogue learns of a milestone a moment after the encoder's own news.
    if (started || over) refresh(over);
  });
  // Not yet known to the encoder (an upload still under way): the browser gives up on a 404.
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(start, 2000);
  });
}

async function refresh(over, tries = 20) {
  const playback = await fetchPlayback();
  if (!playback) return;
  show(playback);
  if (!over) {
    if (!playback.playback && tries > 0) setTimeout(() => refresh(over, tries - 1), 500);
  } else if (isOver(playback.state)) {
    lookAgain(playback);
  } else {
    // Only one of the two knows yet of the end, or of a new beginning.
    setTimeout(followProgress, 1000);
  }
}

function showProgress(progress) {
  const panel = document.getElementById("encoding");
  panel.hidden = progress.state === "ready" || progress.state === "failed";
  const percent = Math.round(progress.percent);
  const bar = document.getElementById("progress");
  bar.setAttribute("aria-valuenow", String(percent));
  bar.setAttribute("aria-valuetext", paceText(progress));
  width("encoded", progress.percent);
  width("published", share(progress.published_us, progress.total_us));
  done("step-queued", true);
  done("step-playable", progress.playable);
  done("step-plays_through", progress.plays_through);
  done("step-ready", progress.state === "ready");
  text("pace", paceText(progress));
  text("facts", progress.total_us ? clock(progress.total_us) : "");
  showWarnings(progress.warnings);
  announceMilestone(progress);
  if (playingVersion === null && !isOver(progress.state)) {
    curtain(placeText(progress.queue) ?? waitingText(progress.state));
  }
}

function paceText(progress) {
  if (progress.queue) return placeText(progress.queue);
  if (progress.state === "queued") return "Waiting for a worker";
  if (progress.state === "probing") return "Reading the file";
  const parts = [`${Math.round(progress.percent)} % encoded`];
  if (progress.speed) parts.push(`${progress.speed.toFixed(1)} × real time`);
  if (progress.fps) parts.push(`${Math.round(progress.fps)} frames a second`);
  if (progress.eta_s != null) parts.push(`about ${clock(progress.eta_s * 1e6)} to go`);
  return parts.join(" · ");
}

// Its place among those that wait, while it does.
function placeText(queue) {
  if (!queue) return null;
  const place =
    queue.position === 1 ? "Next in the queue" : `Number ${queue.position} in the queue`;
  if (queue.wait_s == null) return place;
  const minutes = Math.round(queue.wait_s / 60);
  return `${place}, ${minutes < 1 ? "less than a minute" : `about ${minutes} min`}`;
}

function announceMilestone(progress) {
  if (progress.state === "ready") announce("The video is ready.");
  else if (progress.plays_through) announce("The video now plays through without waiting.");
  else if (progress.playable) announce("The video can be played while it is being encoded.");
}

function showWarnings(warnings) {
  const list = document.getElementById("warnings");
  list.hidden = !warnings?.length;
  list.replaceChildren(
    ...(warnings ?? []).map((warning) => {
      const item = document.createElement("li");
      item.textContent = warning;
      return item;
    }),
  );
}

function fail(message) {
  stage.dataset.phase = "failed";
  text("curtain-text", message);
  if (!document.getElementById("title").textContent.trim()) text("title", "Nothing to watch here");
  document.getElementById("encoding").hidden = true;
  announce(message);
}

function curtain(message) {
  stage.dataset.phase = "waiting";
  text("curtain-text", message);
}

function announce(message) {
  if (message === announced) return;
  announced = message;
  text("announcer", message);
}

function isOver(state) {
  return state === "ready" || state === "failed" || state === "cancelled";
}

function share(part, whole) {
  return whole ? (100 * part) / whole : 0;
}

function clock(micros) {
  const seconds = Math.max(0, Math.round(micros / 1e6));
  const pad = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

function done(element, yes) {
  document.getElementById(element).toggleAttribute("data-done", Boolean(yes));
}

function width(element, percent) {
  document.getElementById(element).style.width = `${Math.min(100, Math.max(0, percent))}%`;
}

function text(element, value) {
  document.getElementById(element).textContent = value;
}
